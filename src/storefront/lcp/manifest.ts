import { kinds } from '../../openai/request.ts';
import type { TaskKind } from '../../openai/request.ts';
import { JSON_CONTENT_TYPE, SSE_CONTENT_TYPE } from '../../protocol/content-type.ts';
import type { Manifest, Task, Version } from '../../protocol/messages.ts';
import { encodeModelParams } from '../../protocol/params.ts';
import type { Offer } from '../offer.ts';

export interface ManifestLimits {
  readonly maxPayloadBytes: number;
  readonly maxInputBytes: number;
  readonly maxOutputBytes: number;
  readonly maxJobBytes: number;
  readonly maxInflightJobs: number;
}

/** What we tell buyers, and of what is for sale nothing to peers that are not served: LCP v0.2 §5.1 lists a template per kind and model; v0.3 §4.1 the methods only. */
export function ourManifest(
  version: Version,
  offer: Offer,
  limits: ManifestLimits,
  isServed: boolean,
): Omit<Manifest, 'kind' | 'version' | 'protocolVersion'> {
  return {
    maxPayloadBytes: limits.maxPayloadBytes,
    maxStreamBytes: BigInt(Math.max(limits.maxInputBytes, limits.maxOutputBytes)),
    maxJobBytes: BigInt(limits.maxJobBytes),
    maxInflightJobs: limits.maxInflightJobs,
    tasks: isServed ? offer.taskKinds.flatMap((taskKind) => tasksOf(version, taskKind, offer.models(taskKind))) : [],
  };
}

function tasksOf(version: Version, taskKind: TaskKind, models: readonly string[]): Task[] {
  if (models.length === 0) return [];
  if (version === 3)
    return [
      {
        taskKind,
        requestContentTypes: [JSON_CONTENT_TYPE],
        responseContentTypes: [JSON_CONTENT_TYPE, ...(kinds[taskKind].stream === undefined ? [] : [SSE_CONTENT_TYPE])],
      },
    ];
  return models.map((model) => ({ taskKind, paramsTemplate: encodeModelParams(model) }));
}
