/**
 * What the image holds of the packages in node_modules: those that the server can load, and of each the files that Node
 * can load.
 *
 * Pure: paths in, decisions out. `scripts/image/stage.mjs` does as they say, and `npm run stage:check` holds them to a
 * server that runs.
 */

/** Who runs the image: `platform` and `arch` as `process` has them, `abi` as `process.versions.modules`. */
/** @typedef {{ platform: string, arch: string, abi: string }} Target */

/** Packages that only another package's install script loads. None of those runs, here or in the image. */
const onlyForInstalling = { "onnxruntime-node": ["adm-zip", "global-agent"] };

/**
 * The packages that production needs, as paths of package-lock.json.
 *
 * @param packages - `packages` of package-lock.json, by path.
 * @param {Target} target - Optional packages that are made for another platform are left out.
 * @returns Paths such as `node_modules/zod`, sorted.
 * @throws Error when one isn't locked that must be.
 */
export function productionPackages(packages, target) {
  const found = new Set();
  const visit = (path) => {
    const { dependencies, peerDependencies, peerDependenciesMeta, optionalDependencies } = packages[path];
    for (const name of Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })) {
      if (onlyForInstalling[packageName(path)]?.includes(name)) continue;
      const inner = resolvePackage(packages, path, name);
      if (inner === undefined) {
        if (optionalDependencies?.[name] || peerDependenciesMeta?.[name]?.optional) continue;
        throw new Error(`${path || "the project"} needs ${name}, which package-lock.json doesn't have`);
      }
      if (found.has(inner) || !isMadeFor(packages[inner], target)) continue;
      found.add(inner);
      visit(inner);
    }
  };
  visit("");
  return [...found].sort();
}

/** As Node looks for it: in the package's own node_modules, then in that of each package around it. */
function resolvePackage(packages, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/")))) {
    const path = folder === "" ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    if (path in packages) return path;
    if (folder === "") return undefined;
    if (!folder.includes("/node_modules/")) folder = "";
  }
}

function isMadeFor({ os, cpu }, { platform, arch }) {
  return (os?.includes(platform) ?? true) && (cpu?.includes(arch) ?? true);
}

/** @param path - Of package-lock.json: `node_modules/a/node_modules/@b/c` is `@b/c`. */
export function packageName(path) {
  return path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
}

/** Licences ask to be passed on with what they license. */
const legal = /(^|\/)(licen[cs]e|notice|copying|copyright|third-?party-?notices?)[^/]*$/i;
/** What Node can load. Source maps, declarations, sources in TypeScript and READMEs are none of it. */
const loadable = /\.(js|cjs|mjs|json|node)$/;
const forDevelopers = /(^|\/)(tests?|__tests__|docs?|examples?|bench|benchmarks?|\.[^/]*)\//;

/**
 * Of packages that carry the same thing several times, the parts that no import of ours leads to. Each was looked up in
 * the package's own `exports` or `main`; a server that runs from the staged folder shows that nothing was missed.
 */
const unused = [
  // Node ignores `module` and `esnext`: it takes build/src, also for an `import`.
  { packages: /^@opentelemetry\//, files: /^build\/(esm|esnext)\// },
  { packages: /^@opentelemetry\/semantic-conventions$/, files: /incubating|^dist-es/ },
  // Its one importer is CommonJS.
  { packages: /^onnxruntime-common$/, files: /^(dist\/esm|lib)\// },
  { packages: /^onnxruntime-node$/, files: /^(lib|script)\// },
  // Builds for browsers.
  { packages: /^(bintrees|tdigest)$/, files: /^dist\// },
  // Only pbf's compiler of schemas wants them.
  { packages: /^(resolve-protobuf-schema|protocol-buffers-schema)$/, files: /./ },
  { packages: /^uWebSockets\.js$/, files: /^(mvp|misc|scripts|src)\// },
];

/**
 * Does the image have a use for this file?
 *
 * @param name - The package's name.
 * @param path - The file's path in the package, with `/`.
 * @param {Target} target
 */
export function isKept(name, path, target) {
  if (legal.test(path)) return true;
  if (name === "uWebSockets.js" && path.endsWith(".node")) return path === nativeOfUws(target);
  // The addon and the shared libraries beside it: for every platform it is a third of a gigabyte.
  if (name === "onnxruntime-node" && path.startsWith("bin/")) return path.startsWith(nativesOfOnnxRuntime(target));
  if (isBundled(name) || !loadable.test(path) || forDevelopers.test(path)) return false;
  return !unused.some(({ packages, files }) => packages.test(name) && files.test(path));
}

/** What must be there, or a package's layout has changed: paths in node_modules. @param {Target} target */
export function requiredNatives(target) {
  return [
    `uWebSockets.js/${nativeOfUws(target)}`,
    `onnxruntime-node/${nativesOfOnnxRuntime(target)}onnxruntime_binding.node`,
  ];
}

/** Packages whose code stands in the image's own files: many small modules, of which the server uses a part. */
const bundled = /^(zod|lru-cache|pbf)(\/|$)/;

/** @param specifier - As an import names it: `zod`, `zod/v4`. */
export function isBundled(specifier) {
  return bundled.test(specifier);
}

const nativeOfUws = ({ platform, arch, abi }) => `uws_${platform}_${arch}_${abi}.node`;
const nativesOfOnnxRuntime = ({ platform, arch }) => `bin/napi-v6/${platform}/${arch}/`;
