/** Quoted for a shell where it needs to be. */
export const quoted = (text: string): string =>
  /^[\w./@:+,=%-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
