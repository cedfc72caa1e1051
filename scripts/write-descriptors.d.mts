export const descriptorsFile: string;
export function descriptorsText(): string;
