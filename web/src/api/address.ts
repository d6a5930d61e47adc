// Addresses of the API, with what is asked for.

export type Query = Record<string, string | number | boolean | null | undefined | string[]>

export function address(path: string, query: Query = {}): string {
  const said = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (Array.isArray(value)) for (const each of value) said.append(name, each)
    else if (value !== undefined && value !== null && value !== '') said.set(name, String(value))
  }
  const text = said.toString()
  return text ? `${path}?${text}` : path
}
