import type { CheckedRequest, Refusal, RequestLimits, UpstreamFill } from './checked-request.ts';
import type { ImageSize } from './image.ts';
import { readJsonBody } from './json-body.ts';
import type { JsonBody } from './json-body.ts';
import { JsonScanError } from './json-scan.ts';
import type { TaskKind } from './kinds/kind.ts';
import { isTaskKind, kinds, taskKinds } from './kinds/kinds.ts';
import { pricedRequest } from './priced-request.ts';
import { RefusedRequest, refuse } from './refuse.ts';
import { isFixedField, whyRefused } from './refused-fields.ts';
import { toldKey } from './rule.ts';
import { finish, finishWithPauses } from '../turns/steps.ts';

export type { CheckedRequest, Refusal, RequestLimits, UpstreamFill } from './checked-request.ts';
export type { Capability, Kind, TaskKind } from './kinds/kind.ts';
export { capabilities } from './kinds/kind.ts';
export { hasOutput, kinds, taskKinds } from './kinds/kinds.ts';

/** The field by which a server is told how much a chat may produce. */
export type OutputCapField = UpstreamFill['cap'];

/** Larger bodies are checked with pauses. */
const LARGE_BODY_BYTES = 65_536;

/**
 * Checks a request body and bounds what it can cost. `model` is the one that the buyer is quoted for. Pure; linear in the body, safe on hostile
 * bytes. The same body with the caps of the result as limits passes again with the same result.
 */
export function checkRequest(
  taskKind: string,
  body: Uint8Array,
  model: string,
  limits: RequestLimits,
): CheckedRequest | Refusal {
  return finish(check(taskKind, body, model, limits));
}

/** As `checkRequest`, but lets others run in between: a body of 4 MB does not hold the event loop for more than 20 ms. */
export async function checkRequestInSteps(
  ...request: Parameters<typeof checkRequest>
): Promise<CheckedRequest | Refusal> {
  return request[1].length < LARGE_BODY_BYTES ? checkRequest(...request) : finishWithPauses(check(...request));
}

function* check(
  taskKind: string,
  body: Uint8Array,
  model: string,
  limits: RequestLimits,
): Generator<void, CheckedRequest | Refusal> {
  if (!isTaskKind(taskKind))
    return {
      refusal: 'unsupported-task',
      message: `this task kind is not sold here; these are: ${taskKinds.join(', ')}`,
    };
  try {
    const json = yield* readJsonBody(body, limits.maxDepth === undefined ? {} : { maxDepth: limits.maxDepth });
    const imageSizes = checkFields(taskKind, json, limits);
    yield;
    return pricedRequest(taskKind, body, { ...json, imageSizes }, model, limits);
  } catch (error) {
    if (error instanceof RefusedRequest) return { refusal: 'unsupported-params', message: error.message };
    if (error instanceof JsonScanError)
      return { refusal: 'unsupported-params', message: `the body is not one plain JSON object: ${error.message}` };
    throw error;
  }
}

/** Each field is known and has a value that is sold, or the owner has allowed it. Tells the sizes of the images that were found. */
function checkFields(
  taskKind: TaskKind,
  { members, value }: JsonBody,
  limits: RequestLimits,
): ReadonlyMap<string, ImageSize> {
  const { allowImages = false, whyNoImages, allowedToolTypes = [], allowedFields = [] } = limits;
  const imageSizes = new Map<string, ImageSize>();
  const context = { allowImages, allowedToolTypes, imageSizes, ...(whyNoImages !== undefined && { whyNoImages }) };
  const { fields } = kinds[taskKind];
  for (const { key } of members) {
    const rule = Object.hasOwn(fields, key) ? fields[key] : undefined;
    const isAllowed = allowedFields.includes(key) || (value[key] === null && isFixedField(key));
    if (rule === undefined && !isAllowed) refuse(`"${toldKey(key)}" is not sold here: ${whyRefused(taskKind, key)}`);
    if (rule === undefined || value[key] === null) continue;
    const fault = rule(value[key], context);
    if (fault !== undefined) refuse(`"${key}${fault.path}" ${fault.message}`);
  }
  return imageSizes;
}
