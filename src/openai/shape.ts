import { faulty, toldKey } from './rule.ts';
import type { Fault, Fields, Rule } from './rule.ts';

export const list =
  (rule: Rule, most = Infinity): Rule =>
  (value, context) => {
    if (!Array.isArray(value)) return faulty('must be an array');
    if (value.length > most) return faulty(`must have at most ${most} elements`);
    for (let index = 0; index < value.length; index++) {
      const fault = rule(value[index], context);
      if (fault !== undefined) return { ...fault, path: `[${index}]${fault.path}` };
    }
    return undefined;
  };

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An object with these keys and no others: a decoder that also takes `Type` for `type` must find none. */
export const record = (fields: Fields): Rule => {
  const rules = new Map(Object.entries(fields));
  return (value, context) => {
    if (!isObject(value)) return faulty('must be an object');
    for (const [key, inner] of Object.entries(value)) {
      const rule = rules.get(key);
      const fault =
        rule === undefined ? faulty('is not known here: leave it out') : inner !== null && rule(inner, context);
      if (fault) return { ...fault, path: `.${toldKey(key)}${fault.path}` };
    }
    return undefined;
  };
};

/** An object whose keys are the buyer's. */
export const table = (rule: Rule, most: number): Rule => {
  const rules = list(rule, most);
  return (value, context) => {
    if (!isObject(value)) return faulty('must be an object');
    const fault = rules(Object.values(value), context);
    return fault && faulty(`must have at most ${most} members; each value ${fault.message}`);
  };
};

/** The first rule that accepts; else the fault that lies deepest. */
export const either =
  (...rules: readonly Rule[]): Rule =>
  (value, context) => {
    let deepest: Fault | undefined;
    for (const rule of rules) {
      const fault = rule(value, context);
      if (fault === undefined) return undefined;
      if (deepest === undefined || fault.path.length > deepest.path.length) deepest = fault;
    }
    return deepest;
  };

/** An object whose `type` says which rule holds. `refused`: why some types are not sold. */
export const byType = (rules: Fields, refused: Readonly<Record<string, string>>, fallback?: string): Rule => {
  const types = new Map(Object.entries(rules));
  const reasons = new Map(Object.entries(refused));
  return (value, context) => {
    if (!isObject(value)) return faulty('must be an object');
    const type = value['type'] ?? fallback;
    const rule = types.get(type as string);
    if (rule !== undefined) return rule(value, context);
    const reason = reasons.get(type as string);
    if (reason !== undefined) return faulty(`of type "${type as string}" is not sold here: ${reason}`);
    return faulty(`must have one of these types: ${[...types.keys()].join(', ')}`);
  };
};
