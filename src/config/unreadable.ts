/** Why a file that the operator named can not be read, by the code of the file system, and what to do. `file`: all of its path. */
export function unreadable(file: string, code: string): { readonly message: string; readonly cure: string } {
  switch (code) {
    case 'ENOENT':
      return {
        message: `there is no such file: ${file}`,
        cure: 'put the file there; its name is relative to this file',
      };
    case 'EISDIR':
      return { message: `${file} is no file, but a folder`, cure: 'name a file in it' };
    case 'EACCES':
    case 'EPERM':
      return { message: `${file} can not be read (${code})`, cure: 'let the user of this program read it' };
    default:
      return { message: `${file} can not be read (${code})`, cure: 'look at its name, its rights and its disk' };
  }
}

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';
