/**
 * Texts as people really enter them: quotes, line breaks, commas, backslashes, emoji, blanks at the
 * ends, and words that mean something to one format or another. Whatever breaks a careless writer
 * or reader of CSV, SQL or JSON is in here; nothing is that PostgreSQL itself refuses.
 */
export const ODD_TEXTS: readonly string[] = [
  'Plain and simple',
  'Ünïcödé, ñandú, Łódź, Ελλάδα, 日本語, עברית',
  'She said "hello", and left',
  "It's O'Brien's",
  'first line\nsecond line\r\nthird line',
  'a,b;c\td|e',
  'back\\slash \\N \\n \\. C:\\temp\\new',
  'emoji 🚀 👩‍👩‍👧 🇩🇪 é',
  '',
  ' blank at both ends ',
  'NULL',
  '"quoted"',
  '{"not": "json"}',
  '{curly,"braces"}',
  '=1+1',
  '--; drop table students',
  '0',
  '\u0001\u001f\u007f',
  '\n',
  '""',
]
