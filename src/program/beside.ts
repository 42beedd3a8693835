/**
 * Where a module of this program is, named from `from` (an import.meta.url) and without its extension. It has that of the file that asks: the
 * same folder holds .ts when run from source and .js when built.
 */
export const beside = (from: string, module: string): URL =>
  new URL(`${module}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);
