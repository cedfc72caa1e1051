/**
 * The files of a bundle's folder, read once and safely.
 *
 * What is hashed is what is used: each file is opened without following links, looked at through the open handle, and
 * read into one buffer that the hash and every later reader share. So it makes no difference what happens to the path
 * meanwhile.
 */
import { createHash } from "node:crypto";
import { constants, type Dirent } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { type Manifest, manifestFile, signatureFile } from "./manifest.js";
import { noPause, type Pause } from "./pause.js";
import { quote, sentence } from "./problem.js";

const mebibyte = 1_048_576;

/** Largest size of each file in bytes. A model is bounded by protobuf, which reads no message of 2 GiB. */
function bytesMax(file: string): number {
  switch (file) {
    case manifestFile:
    case signatureFile:
    case "card.md":
      return mebibyte;
    case "schema.json":
      return 8 * mebibyte;
    default:
      return file.endsWith(".onnx") ? 2048 * mebibyte - 1 : 64 * mebibyte;
  }
}

/** Most entries of a folder that are looked at: a bundle has nine files and some models. */
export const entriesMax = 128;

/**
 * Lists a bundle's folder.
 *
 * @returns The plain files in it, and a problem for everything else: links, folders, devices, names that differ in case
 *   only.
 */
export async function listFiles(directory: string): Promise<{ files: string[]; problems: string[] }> {
  let entries: Dirent[];
  try {
    const folder = await lstat(directory);
    if (!folder.isDirectory())
      return { files: [], problems: [sentence({ file: directory, expected: "a folder", got: kindOf(folder) })] };
    entries = await readdir(directory, { withFileTypes: true });
  } catch (error) {
    return {
      files: [],
      problems: [sentence({ file: directory, expected: "a folder that can be read", got: systemError(error) })],
    };
  }
  if (entries.length > entriesMax) {
    const expected = `at most ${entriesMax} files in the folder`;
    return {
      files: [],
      problems: [
        sentence({
          file: directory,
          expected,
          got: `${entries.length}`,
          advice: "remove what is no part of the bundle",
        }),
      ],
    };
  }
  const files: string[] = [];
  const problems: string[] = [];
  const lowerCase = new Map<string, string>();
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const { name } = entry;
    const twin = lowerCase.get(name.toLowerCase());
    if (twin !== undefined) {
      const expected = "no other file whose name differs in case only";
      problems.push(
        sentence({
          file: quoteIfOdd(name),
          expected,
          got: quote(twin),
          advice: "some file systems hold only one of them",
        }),
      );
    }
    lowerCase.set(name.toLowerCase(), name);
    if (entry.isFile()) files.push(name);
    else {
      const advice = "a bundle holds plain files only: put the file itself there, or remove it";
      problems.push(sentence({ file: quoteIfOdd(name), expected: "a plain file", got: kindOf(entry), advice }));
    }
  }
  return { files, problems };
}

/** Compares a folder with the list in its manifest: nothing missing, nothing besides. */
export function listingProblems(manifest: Manifest, files: readonly string[]): string[] {
  const listed = Object.keys(manifest.files);
  const missing = listed.filter((name) => !files.includes(name));
  const unlisted = files.filter((name) => name !== manifestFile && name !== signatureFile && !listed.includes(name));
  return [
    ...missing.map((name) =>
      sentence({
        file: name,
        expected: "this file, which manifest.json lists",
        got: "none",
        advice: "copy the bundle again",
      }),
    ),
    ...unlisted.map((name) =>
      sentence({
        file: quoteIfOdd(name),
        expected: "only files that manifest.json lists",
        got: "this file",
        advice: "remove it",
      }),
    ),
  ];
}

export interface FileContent {
  bytes: Uint8Array;
  /** In lower-case hexadecimal digits. */
  sha256: string;
}

// Large enough to cost few turns of the event loop, small enough that hashing one takes under half a millisecond of it.
const chunkBytes = 262_144;

/**
 * Reads and hashes one file.
 *
 * @param pause - Called after each piece of the file.
 * @returns Its bytes in a buffer of their own, or one problem.
 */
export async function readFile(
  directory: string,
  name: string,
  pause: Pause = noPause,
): Promise<FileContent | { problem: string }> {
  const refuse = (expected: string, got: string, advice?: string) => ({
    problem: sentence({ file: name, expected, got, ...(advice && { advice }) }),
  });
  try {
    // O_NONBLOCK: opening a pipe that has taken the file's place must not wait for a writer.
    const handle = await open(join(directory, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const entry = await handle.stat();
      if (!entry.isFile()) return refuse("a plain file", kindOf(entry));
      if (entry.size > bytesMax(name)) return refuse(`at most ${bytesMax(name)} bytes`, `${entry.size}`);
      // Threads share a model's bytes: a copy for each would be as much memory again, and made in one go.
      const bytes = new Uint8Array(
        name.endsWith(".onnx") ? new SharedArrayBuffer(entry.size) : new ArrayBuffer(entry.size),
      );
      const hash = createHash("sha256");
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(bytes, filled, Math.min(chunkBytes, bytes.length - filled), null);
        if (bytesRead === 0)
          return refuse(
            `${bytes.length} bytes`,
            `${filled} before the end`,
            "the file changed while it was read: try again",
          );
        hash.update(bytes.subarray(filled, filled + bytesRead));
        filled += bytesRead;
        await pause();
      }
      return { bytes, sha256: hash.digest("hex") };
    } finally {
      await handle.close();
    }
  } catch (error) {
    return refuse("a file that can be read", systemError(error));
  }
}

/** Whether a file may still be growing into what its entry says. */
export function isShort(entry: Manifest["files"][string], content: FileContent): boolean {
  return content.bytes.length < entry.bytes;
}

/** Compares a file with its entry in the manifest. */
export function contentProblems(name: string, entry: Manifest["files"][string], content: FileContent): string[] {
  const advice = "the file is not the one that was exported: copy or export the bundle again";
  if (content.bytes.length !== entry.bytes) {
    return [
      sentence({
        file: name,
        expected: `${entry.bytes} bytes, as manifest.json says`,
        got: `${content.bytes.length}`,
        advice,
      }),
    ];
  }
  if (content.sha256 === entry.sha256) return [];
  return [
    sentence({ file: name, expected: `sha256 ${entry.sha256}, as manifest.json says`, got: content.sha256, advice }),
  ];
}

interface Kind {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

export function kindOf(entry: Kind): string {
  if (entry.isSymbolicLink()) return "a symbolic link";
  if (entry.isDirectory()) return "a folder";
  return entry.isFile() ? "a plain file" : "a device, pipe or socket";
}

/** Why the system refused, as messages name it. */
export function systemError(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  switch (code) {
    case "ENOENT":
      return "none";
    case "EACCES":
    case "EPERM":
      return "one that this process may not read";
    case "ELOOP":
      return "a symbolic link";
    case "ENOTDIR":
      return "no folder";
    default:
      return `the system error ${code ?? String(error)}`;
  }
}

/** A name from a foreign folder, as a message shows it. */
function quoteIfOdd(name: string): string {
  return /^[A-Za-z0-9._-]{1,60}$/.test(name) ? name : quote(name);
}
