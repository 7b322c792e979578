const known = new Set<string>()

/** Texts shorter than this are not redacted: they would blot out ordinary words. */
const SHORTEST = 4

/** Remembers a secret, and the forms in which protocols carry it, for {@link redact}. */
export function registerSecret(value: string): void {
  if (value.length < SHORTEST) return
  for (const form of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)]) known.add(form)
  known.add(Buffer.from(value).toString('base64'))
}

/** Remembers the credentials of a Basic header in the form that travels. */
export function registerBasicCredentials(username: string, password: string): void {
  registerSecret(password)
  known.add(Buffer.from(`${username}:${password}`).toString('base64'))
}

/** The text with every known secret replaced. */
export function redact(text: string): string {
  let clean = text
  for (const secret of known) {
    if (clean.includes(secret)) clean = clean.replaceAll(secret, '[secret]')
  }
  return clean
}
