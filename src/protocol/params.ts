import { utf8NonEmpty } from './coder.ts';
import { ProtocolError } from './protocol-error.ts';
import { recordTable, required } from './record.ts';

/** The params of the openai.* task kinds: LCP v0.2 §5.2.1, and the reference's convention in v0.3. */
const modelParams = recordTable([required(1, 'model', 'model', utf8NonEmpty)], 'refused');

export type ModelParams = { readonly model: string };
export type BadParams = { readonly error: 'unsupported-params'; readonly reason: string };

/** Throws ProtocolError when the model is empty or not well-formed. */
export function encodeModelParams(model: string): Uint8Array {
  return modelParams.encode({ model });
}

/** Types other than the model's are refused: "Providers SHOULD reject", LCP v0.2 §5.2.1. */
export function decodeModelParams(params: Uint8Array): ModelParams | BadParams {
  try {
    return modelParams.decode(params);
  } catch (error) {
    if (error instanceof ProtocolError) return { error: 'unsupported-params', reason: error.message };
    throw error;
  }
}
