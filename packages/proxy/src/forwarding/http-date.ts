let text = "";
let second = 0;

/** The present time as RFC 9110 §5.6.7 writes it. */
export function httpDate(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now === second) return text;
  second = now;
  text = new Date(now * 1000).toUTCString();
  return text;
}
