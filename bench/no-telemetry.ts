/**
 * Imported before onnxruntime-node: its released builds report to their makers unless this is set when the native
 * library is loaded.
 */
process.env.ORT_DISABLE_TELEMETRY ??= "1";
