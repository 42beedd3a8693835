/** The ports that Ollama's own programs assume. */
const PORTS = { none: '11434', http: '80', https: '443' } as const;
/** Where Ollama listens when nobody says otherwise. */
export const LOCAL_OLLAMA_HOST = `127.0.0.1:${PORTS.none}`;
export const LOCAL_OLLAMA = `http://${LOCAL_OLLAMA_HOST}`;
const ANY_HOST: Readonly<Record<string, string>> = { '': '127.0.0.1', '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

/**
 * A base URL from what people put into OLLAMA_HOST: `127.0.0.1:11434`, `0.0.0.0`, `:11434`, `https://host/path`. An address that means
 * "every interface" becomes this machine. Undefined when it is no address.
 */
export function ollamaUrl(value: string): string | undefined {
  const match = /^(?:(https?):\/\/)?(\[[0-9a-f:.]+\]|[^\s:/?#@[\]]*)(?::(\d{1,5}))?(\/[^\s?#]*)?$/i.exec(
    value.trim().replaceAll(/^["']|["']$/g, ''),
  );
  if (!match || match[0] === '') return undefined;
  const scheme = (match[1]?.toLowerCase() ?? 'none') as keyof typeof PORTS;
  const host = ANY_HOST[match[2]!] ?? match[2]!;
  const port = match[3] ?? PORTS[scheme];
  return httpUrl(`${scheme === 'none' ? 'http' : scheme}://${host}:${port}${match[4] ?? ''}`);
}

/** An http or https URL without trailing slash, user or query; undefined when it is none. */
export function httpUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return undefined;
  const url = new URL(value);
  if (!/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) return undefined;
  return url.href.replace(/\/+$/, '');
}
