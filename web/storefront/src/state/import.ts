// What kind of file an import is, and what its report says of a line. Pure.

import type { ImportReport } from '../api/types';

/** The media type of what is imported: by the file's name, else by how its text begins. */
export function formOf(fileName: string, text: string): string {
  if (/\.(jsonl|ndjson)$/i.test(fileName)) return 'application/x-ndjson';
  if (/\.csv$/i.test(fileName)) return 'text/csv';
  return text.trimStart().startsWith('{') ? 'application/x-ndjson' : 'text/csv';
}

/** What is wrong with a line; "" when it was taken over. */
export function lineWords(line: ImportReport['lines'][number]): string {
  const fields = (line.errors ?? []).map(({ field, message }) => (field === '' ? message : `${field} ${message}`));
  return [...(line.error === undefined || line.error === '' ? [] : [line.error]), ...fields].join('; ');
}
