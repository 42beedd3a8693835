import { join } from 'node:path';

/** Where the ledger is, and where answers are kept, below `data_directory`. */
export const ledgerPath = (dataDirectory: string): string => join(dataDirectory, 'ledger.sqlite');
export const spoolPath = (dataDirectory: string): string => join(dataDirectory, 'spool');
