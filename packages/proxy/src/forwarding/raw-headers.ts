/** Name, value, name, value … as pairs. */
export function headerPairs(raw: readonly string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) list.push([raw[index] ?? "", raw[index + 1] ?? ""]);
  return list;
}

/** Name, value, name, value … as they go over the wire. */
export function headerLines(raw: readonly string[]): string {
  let lines = "";
  for (let index = 0; index + 1 < raw.length; index += 2) lines += `${raw[index]}: ${raw[index + 1]}\r\n`;
  return lines;
}
