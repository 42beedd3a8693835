import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig, parseConfig } from '../../src/config/load.ts';
import { findPrice } from '../../src/pricing/price-list.ts';
import { LND_SELLER_METHODS } from '../../src/lightning/lnd/methods.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Mount {
  readonly source: string;
  readonly target: string;
  readonly read_only?: boolean;
}
interface Service {
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes: readonly (string | Mount)[];
  readonly ports?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly stop_grace_period?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
}
const compose = parse(read('deploy/compose.yaml'), { merge: true }) as {
  readonly services: Readonly<Record<'lcp-provider' | 'ollama', Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const { 'lcp-provider': provider, ollama } = compose.services;
const bindings = provider.volumes.filter((volume) => typeof volume === 'object');

/** What compose makes of the variables when nobody sets one. */
const environment = Object.fromEntries(
  Object.entries(provider.environment ?? {}).map(([name, value]) => [name, value.replace(/^\$\{\w+:-(.*)\}$/, '$1')]),
);
/** The configuration as the container sees it, but with the price lists of this repository. */
const text = read('deploy/config.yaml').replaceAll('/app/', `${root}/`);
const { config, warnings } = parseConfig({ path: '/config/config.yaml', text }, environment);

describe('the configuration for compose', () => {
  test('loads without a warning and sells', () => {
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({ enabled: true, dataDirectory: '/data' });
    expect(findPrice(config.pricing.lists, 'llama3.2:3b')).toBeDefined();
  });

  test('takes its credentials from files that compose mounts, read-only', () => {
    const { lightning } = config;
    if (lightning.driver !== 'lnd') throw new Error('lnd was expected');
    expect(lightning.lnd.socket).toBe('host.docker.internal:10009');
    const mounted = bindings.filter(({ read_only }) => read_only).map(({ target }) => target);
    expect(mounted).toEqual(['/config/config.yaml', lightning.lnd.certPath, lightning.lnd.macaroonPath]);
    expect(bindings).toHaveLength(mounted.length);
  });

  test('runs as many jobs at once as Ollama, at the address that Ollama has there', () => {
    expect(config.backends).toMatchObject([{ driver: 'ollama', url: 'http://ollama:11434', slots: 2 }]);
    expect(ollama.environment?.['OLLAMA_NUM_PARALLEL']).toBe(provider.environment?.['OLLAMA_NUM_PARALLEL']);
    expect(parseConfig({ path: '/c.yaml', text }, { OLLAMA_NUM_PARALLEL: '7' }).config.backends[0]?.slots).toBe(7);
  });

  test('keeps its data in a volume that compose knows', () => {
    expect(provider.volumes).toContain(`data:${config.dataDirectory}`);
    expect(compose.volumes).toHaveProperty('data');
  });
});

describe('compose', () => {
  test('gives a drain the time that it may take, and more', () => {
    const [, minutes, seconds] = /^(\d+)m(\d+)s$/.exec(provider.stop_grace_period ?? '') ?? [];
    expect(60 * Number(minutes) + Number(seconds)).toBeGreaterThanOrEqual(config.deadlines.drainSeconds + 30);
  });

  test('publishes the health port alone, and to this machine only', () => {
    expect(provider.ports).toEqual([`127.0.0.1:${config.health.listen.port}:${config.health.listen.port}`]);
    expect(config.health.listen.host).toBe('0.0.0.0');
    expect(ollama.ports).toBeUndefined();
  });

  test('starts the provider when Ollama answers, and stops it first', () => {
    expect(provider.depends_on).toEqual({ ollama: { condition: 'service_healthy' } });
    expect(ollama.healthcheck?.test).toEqual(['CMD', 'ollama', 'list']);
  });

  test('the file for graphics cards adds to a service that exists', () => {
    const gpu = parse(read('deploy/compose.gpu.yaml')) as { services: Record<string, unknown> };
    expect(Object.keys(compose.services)).toEqual(expect.arrayContaining(Object.keys(gpu.services)));
  });
});

describe('the instructions', () => {
  test('name every right that a seller needs of lnd, and no other', () => {
    const named = [...read('deploy/README.md').matchAll(/uri:(\S+)/g)].map((match) => match[1]);
    expect(named).toEqual([...LND_SELLER_METHODS]);
  });
});

describe('the image', () => {
  const dockerfile = read('Dockerfile').replaceAll('\\\n', ' ');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap((match) =>
    (match[1] ?? '').trim().split(/\s+/),
  );

  test('copies files that exist and that its context lets through, and lets nothing else through', () => {
    const ignore = read('.dockerignore').split('\n');
    expect(ignore.find((line) => line !== '' && !line.startsWith('#'))).toBe('*');
    const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
    expect(copied.toSorted()).toEqual(allowed.toSorted());
    expect(copied.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });

  test('has all that is published', () => {
    const { files } = JSON.parse(read('package.json')) as { files: readonly string[] };
    const made = ['dist'];
    expect(copied).toEqual(expect.arrayContaining(files.filter((name) => !made.includes(name))));
  });

  test('its health check asks where the defaults listen', () => {
    const { health } = parseConfig({ path: '/c.yaml', text: '' }, {}).config;
    expect(dockerfile).toContain(`LCP_HEALTH_URL=http://127.0.0.1:${health.listen.port}/healthz`);
    expect(config.health.listen.port).toBe(health.listen.port);
  });

  test('the program drops its rights, and a stop is a drain', () => {
    expect(dockerfile).toMatch(/^USER node$[\s\S]*^STOPSIGNAL SIGTERM$/m);
    expect(dockerfile).toContain('\nENTRYPOINT ["node", "/app/bin/lcp-provider.mjs"]\n');
  });

  test('what is packed by folder holds nothing but what belongs there', () => {
    expect(globSync('{bin,pricing}/**/*', { cwd: root, exclude: ['**/*.yaml', 'bin/lcp-provider.mjs'] })).toEqual([]);
    expect(() => loadConfig({ path: join(root, 'config.example.yaml'), env: {} })).not.toThrow();
  });
});
