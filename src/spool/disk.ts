import { mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises';

/** An open file; reads and writes say where. */
export interface DiskFile {
  writev(views: readonly Uint8Array[], position: number): Promise<{ readonly bytesWritten: number }>;
  read(into: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** The file system, as far as the spool needs it, with its semantics and its errors: the machine's in the product, one in memory in simulation. */
export interface Disk {
  open(path: string, flags: string | number, mode?: number): Promise<DiskFile>;
  readFile(path: string): Promise<Uint8Array>;
  unlink(path: string): Promise<void>;
  stat(path: string): Promise<{ readonly size: number }>;
  readdir(path: string): Promise<string[]>;
  mkdir(path: string, options: { readonly recursive: true; readonly mode: number }): Promise<unknown>;
  /** Makes the names in a directory durable. */
  syncDirectory(path: string): Promise<void>;
}

export const systemDisk: Disk = { open, readFile, unlink, stat, readdir, mkdir, syncDirectory };

/** Where a directory cannot be opened (Windows), names are durable by themselves. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
