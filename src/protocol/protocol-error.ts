/** A payload, or a message to be sent, which breaks a rule of the protocol. Never leaves `decodeMessage`. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
