import { z } from 'zod';

/** Keys whose values are never printed. */
export const SECRET_KEYS: ReadonlySet<string> = new Set(['macaroon_hex', 'api_key']);

export const UINT32_MAX = 4_294_967_295;

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number that has a default; description and default go to the JSON schema. */
export const whole = (description: string, fallback: number, { min = 1, max = Number.MAX_SAFE_INTEGER }: Bounds = {}) =>
  z.int().min(min).max(max).default(fallback).describe(`${description} Default ${fallback}.`);

const DAY_SECONDS = 86_400;

/** A number of seconds, at most a year. */
export const seconds = (description: string, fallback: number, max = 365 * DAY_SECONDS) =>
  whole(description, fallback, { max });

/** A text that is not empty. */
export const text = (description: string) => z.string().min(1).max(4096).describe(description);

/** `host:port`, where to listen. */
export const listen = (description: string, fallback: string) =>
  z
    .string()
    .refine((value) => parseListen(value) !== undefined, {
      error: `expected an address and a port, like ${fallback}`,
      params: { cure: `write ${fallback}, or 0.0.0.0:port to be reached from other machines` },
    })
    .default(fallback)
    .describe(`${description} Default ${fallback}.`);

/** Where a server listens. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Host and port from `host:port`, `[ipv6]:port`; port 0 is any free one. Undefined when it is neither. */
export function parseListen(value: string): ListenAddress | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/[\]]+)):(\d{1,5})$/i.exec(value.trim());
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
}
