/** SHA-256 of bytes as lower-case hex. Runs in Node and in pages (Web Crypto). */
export async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, '0')).join('');
}

export const sha256Text = (text: string) => sha256(new TextEncoder().encode(text));
