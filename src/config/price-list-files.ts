import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { PriceList } from '../pricing/price-list.ts';
import { check } from './check.ts';
import { fileBreaches } from './estimator-files.ts';
import type { Environment } from './expansion.ts';
import { jsonSchemaOf } from './json-schema.ts';
import { pathFrom } from './path-from.ts';
import { modelPrice, modelSettings, priceListFileSchema } from './price-entry.ts';
import type { Problem } from './problem.ts';
import { Tree } from './tree.ts';
import { codeOf, unreadable } from './unreadable.ts';

const json = jsonSchemaOf(priceListFileSchema);

/** A price list, and its file for who has to say where something stands. */
export interface ReadList {
  readonly list: PriceList;
  readonly tree: Tree;
}

/** Reads the price lists that the configuration `tree` names; what is wrong in one is told with its own file and line. */
export function readPriceLists(
  tree: Tree,
  names: readonly string[],
  env: Environment,
): { readonly read: ReadList[]; readonly problems: Problem[] } {
  const read: ReadList[] = [];
  const problems: Problem[] = [];
  for (const [index, name] of names.entries()) {
    const path = ['pricing', 'lists', index];
    const directory = dirname(tree.file);
    const file = isAbsolute(name) || name.startsWith('~') ? pathFrom(directory, name) : join(directory, name);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      const { message, cure } = unreadable(resolve(file), codeOf(error));
      problems.push({
        position: tree.position(path),
        path,
        message: `this price list can not be read: ${message}`,
        cure,
      });
      continue;
    }
    const listTree = new Tree(file, text, env);
    const { data, problems: found } = check(listTree, priceListFileSchema, json);
    problems.push(...found);
    if (!data) continue;
    for (const [pattern, { estimator }] of Object.entries(data.models))
      for (const breach of fileBreaches(estimator, ['models', pattern, 'estimator'], dirname(file)))
        problems.push({ ...breach, position: listTree.position(breach.path) });
    const entries = Object.entries(data.models).map(([pattern, written]) => ({
      ...modelSettings(written, dirname(file)),
      pattern,
      price: modelPrice(written.price, data.currency),
    }));
    read.push({ list: { file, entries }, tree: listTree });
  }
  return { read, problems };
}
