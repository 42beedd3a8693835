/** A step of one or more paths. */
export interface Node {
  readonly path: string;
  readonly children: Map<string, Node>;
  readonly isWatched: boolean;
}

/** Paths like `choices.*.delta`, joined where they begin alike. */
export function treeOf(paths: readonly string[]): Node {
  const root: Node = { path: '', children: new Map(), isWatched: false };
  for (const path of paths) {
    let node = root;
    for (const key of path.split('.')) {
      const childPath = node.path === '' ? key : `${node.path}.${key}`;
      const child = node.children.get(key) ?? {
        path: childPath,
        children: new Map<string, Node>(),
        isWatched: paths.includes(childPath),
      };
      node.children.set(key, child);
      node = child;
    }
  }
  return root;
}
