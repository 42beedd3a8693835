import type { LndCoordinates } from './lnd.ts';
import type { OllamaCoordinates } from './ollama.ts';
import type { RigCoordinates } from './rig-handles.ts';

function lndVariables(prefix: string, at: LndCoordinates): string[] {
  return [
    `export ${prefix}_NODE_ID=${at.nodeId}`,
    `export ${prefix}_SOCKET=${at.grpcSocket}`,
    `export ${prefix}_CERT=${at.certPath}`,
    `export ${prefix}_MACAROON=${at.macaroonPath}`,
    `export ${prefix}_P2P=127.0.0.1:${at.p2pPort}`,
  ];
}

function lncliFunction(name: string, at: LndCoordinates): string {
  return `${name}() { '${at.lncliPath}' --network=simnet --lnddir='${at.dir}' --rpcserver=${at.grpcSocket} "$@"; }`;
}

/** What a person pastes into another terminal to use a running rig: variables and shell functions. */
export function usageOf({ dir, lightning, ollama }: RigCoordinates): string {
  const lines = ['', '# The rig is up; paste this into another terminal:', `export LCP_RIG_DIR=${dir}`];
  if (lightning !== undefined) {
    const { btcd, seller, buyer } = lightning;
    lines.push(...lndVariables('LCP_RIG_SELLER', seller), ...lndVariables('LCP_RIG_BUYER', buyer));
    lines.push(lncliFunction('seller_lncli', seller), lncliFunction('buyer_lncli', buyer));
    const login = `--simnet --rpcuser=rig --rpcpass=rig --rpcserver=${btcd.rpcSocket} --rpccert='${btcd.certPath}'`;
    lines.push(`rig_btcctl() { '${btcd.btcctlPath}' --configfile='${btcd.dir}/empty.conf' ${login} "$@"; }`);
  }
  if (ollama !== undefined) lines.push(`export LCP_RIG_OLLAMA=${ollama.url}`);
  lines.push('', '# For example:');
  if (lightning !== undefined) {
    lines.push('#   buyer_lncli listchannels');
    lines.push(
      '#   buyer_lncli payinvoice --force $(seller_lncli addinvoice 1000 | sed -n \'s/.*"payment_request": *"\\(.*\\)".*/\\1/p\')',
    );
    lines.push('#   rig_btcctl generate 1');
  }
  if (ollama !== undefined) {
    const body = `{"model":"tiny","max_tokens":20,"messages":[{"role":"user","content":"hello"}]}`;
    lines.push(`#   curl -s $LCP_RIG_OLLAMA/v1/chat/completions -d '${body}'`);
    lines.push(`#   models: ${ollama.models.join(', ')}`);
  }
  lines.push(`# Logs: ${dir}/*/output.log · Ctrl-C here ends it all and deletes that folder.`, '');
  return `${lines.join('\n')}\n`;
}

/** The same for the two Ollama with models of real vocabularies. */
export function vocabularyUsage(today: OllamaCoordinates, older: OllamaCoordinates): string {
  const lines = ['', '# Both are up; paste this into another terminal:'];
  lines.push(`export LCP_RIG_OLLAMA=${today.url}`, `export LCP_RIG_OLDER_OLLAMA=${older.url}`);
  lines.push(`# models: ${today.models.join(', ')}`, '# Ctrl-C here ends them.', '');
  return `${lines.join('\n')}\n`;
}
