/**
 * What a page says when it opens the WebSocket of events, where it cannot set a header. Browsers take only the characters of an HTTP token
 * (RFC 9110 5.6.2): the `/` and `=` of base64, for two, have to be encoded. Brackets are what `encodeURIComponent` leaves and a token lacks.
 */
export function eventProtocols(token: string | null): string[] {
  if (token === null) return ['sstp.events'];
  const encoded = encodeURIComponent(token).replaceAll('(', '%28').replaceAll(')', '%29');
  return ['sstp.events', `bearer.${encoded}`];
}
