// The functions of oneDNN's that netc calls, without their "dnnl_": a library that lacks one of its version's is not used.

/** `old` are version 2's, `current` version 3's. */
export const FUNCTIONS = {
  both: [
    "engine_create",
    "stream_create",
    "memory_create",
    "memory_set_data_handle",
    "memory_desc_get_size",
    "memory_desc_equal",
    "primitive_create",
    "primitive_execute",
    "primitive_desc_query",
    "primitive_desc_query_md",
    "primitive_desc_destroy",
    "primitive_attr_create",
    "primitive_attr_destroy",
    "primitive_attr_set_scratchpad_mode",
    "primitive_attr_set_post_ops",
    "post_ops_create",
    "post_ops_append_sum",
    "post_ops_destroy",
    "reorder_primitive_desc_create",
    "sgemm",
  ],
  old: [
    "memory_desc_init_by_tag",
    "memory_desc_init_by_strides",
    "memory_desc_init_submemory",
    "convolution_forward_desc_init",
    "convolution_backward_data_desc_init",
    "convolution_backward_weights_desc_init",
    "primitive_desc_create",
  ],
  current: [
    "memory_desc_create_with_tag",
    "memory_desc_create_with_strides",
    "memory_desc_create_submemory",
    "memory_desc_query",
    "memory_desc_destroy",
    "convolution_forward_primitive_desc_create",
    "convolution_backward_data_primitive_desc_create",
    "convolution_backward_weights_primitive_desc_create",
  ],
  /** In no header: missed only where they are asked for. */
  optional: ["gemm_bf16bf16f32"],
} as const;

export type FunctionName = (typeof FUNCTIONS)[keyof typeof FUNCTIONS][number];

// Names that are put together of these
export type DescriptorStart = "init_by_tag" | "init_by_strides" | "init_submemory";
export type DescriptorMaker = "create_with_tag" | "create_with_strides" | "create_submemory";
export type Convolution = "convolution_forward" | "convolution_backward_data" | "convolution_backward_weights";
/** What is made to be destroyed later. */
export type Kept = "primitive_desc" | "primitive_attr" | "post_ops";
