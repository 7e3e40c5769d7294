// What ajv finds in a file's plain values. The code beside it, schema-errors.js, is written by scripts/build-schema.mjs from
// the schema that ships; `errors` belong to the call before.
export interface SchemaError {
  /** A JSON pointer: `/model/stages/0/channels` */
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export const validate: {
  (value: unknown): boolean;
  errors: readonly SchemaError[] | null;
};
