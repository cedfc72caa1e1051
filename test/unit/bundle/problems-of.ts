import { BundleError, readBundle } from "../../../bundle/index.js";
import { type TinyBundle, type WrittenBundle, writeTinyBundle } from "../../support/tiny-bundle.js";

/**
 * What reading a changed bundle says.
 *
 * @param change - Before the files are hashed.
 * @param after - In the folder, once it is written.
 */
export async function problemsOf(
  change: (bundle: TinyBundle) => void,
  { after, folder }: { after?: (written: WrittenBundle) => unknown; folder?: string } = {},
): Promise<readonly string[]> {
  const written = await writeTinyBundle(change, folder);
  try {
    await after?.(written);
    await readBundle(written.directory);
    return [];
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    return error.problems;
  } finally {
    await written.remove();
  }
}
