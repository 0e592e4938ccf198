import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Another process uses the folder, or it holds something that is not ours: either would be destroyed. */
export class FolderInUse extends Error {
  override name = "FolderInUse";
}

/** Where one local stack keeps what must survive its end. */
export interface StateFolder {
  readonly path: (name: string) => string;
  release(): void;
}

const LOCK = "lock";
/** The first thing that a start writes, if only in draft: a folder with something else and without this is not a state folder. */
const SIGN = "clock.json";

/** Takes a folder for this process alone; `fresh` empties it. A lock whose process is gone (it was killed) is taken over. */
export function takeStateFolder(folder: string, fresh = false): StateFolder {
  mkdirSync(folder, { recursive: true });
  const found = readdirSync(folder).filter((name) => name !== LOCK);
  if (found.length > 0 && !found.some((name) => name.startsWith(SIGN)))
    throw new FolderInUse(`${folder} holds something else (${found[0]}): name an empty folder with --state`);
  const lock = join(folder, LOCK);
  if (!createLock(lock)) {
    const owner = Number(readFileSync(lock, "utf8"));
    if (isAlive(owner)) throw new FolderInUse(`The local stack of process ${owner} uses ${folder}: stop it first, or name another folder with --state`);
    rmSync(lock, { force: true });
    if (!createLock(lock)) throw new FolderInUse(`Another local stack has just taken ${folder}`);
  }
  if (fresh) for (const name of found) rmSync(join(folder, name), { recursive: true, force: true });
  return { path: (name) => join(folder, name), release: () => rmSync(lock, { force: true }) };
}

function createLock(lock: string): boolean {
  try {
    const file = openSync(lock, "wx");
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
