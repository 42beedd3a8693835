/** Ends the check of a request; the message goes to the buyer's developer, so it never holds text of the prompt. */
export class RefusedRequest extends Error {}

export function refuse(message: string): never {
  throw new RefusedRequest(message);
}
