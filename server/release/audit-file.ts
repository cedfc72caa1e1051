/** `routes.json`'s is `routes.audit.jsonl`. */
export function auditFileOf(file: string): string {
  return `${file.replace(/\.json$/, "")}.audit.jsonl`;
}
