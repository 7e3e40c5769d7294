// ReportView → one HTML page with everything in it: it opens without a network.
import { renderTemplate } from "../../runtime/render-template.js";
import type { ReportView, Table } from "./view.js";

const TABLE = new URL("table.html.hbs", import.meta.url);

export async function renderReport(view: ReportView): Promise<string> {
  return renderTemplate(new URL("report.html.hbs", import.meta.url), view, {
    kind: "html",
    partials: { table: TABLE },
  });
}

/** A table alone, for a section's markup. */
export async function renderTable(table: Table): Promise<string> {
  return renderTemplate(TABLE, table, { kind: "html" });
}
