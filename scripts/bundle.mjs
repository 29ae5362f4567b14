// Writes dist/bundle: the gateway and its packages in a few files. A start then reads a dozen files instead of 1,500, and
// takes half the CPU. The files of dist/src stay for the migrations' command line, the benchmarks and tests of modules.
import { rmSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { relative } from 'node:path';
import { rolldown } from 'rolldown';

const OUT = 'dist/bundle';
/** Packages outside the bundle: a native binary, the pages of the API documentation, and packages that only traces, clouds or translations need. */
const SEPARATE = [
  /^libsql$/,
  /^swagger-ui-dist\//,
  /^@opentelemetry\/(?!api$)/,
  /^(?:@ai-sdk\/.+|google-auth-library|aws4|@smithy\/.+|@aws-sdk\/.+|@azure\/.+)$/,
];
/** Packages that load other packages by name at run time, and would get second copies. They are bound when the bundle is made. */
const BOUND = [
  {
    file: /@nestjs\/(typeorm|mapped-types|terminus)\/dist\/.*\.js$/,
    from: /const require = createRequire\(import\.meta\.url\);\n/,
    to: '',
  },
  {
    file: /@nestjs\/terminus\/dist\/utils\/checkPackage\.util\.js$/,
    from: /await import\(packageName\)/,
    to: "await { typeorm: () => import('typeorm'), '@nestjs/typeorm': () => import('@nestjs/typeorm') }[packageName]()",
    isRequired: true,
  },
];

const bound = new Set();
const bindings = {
  name: 'bind-packages',
  transform(code, id) {
    // Files that a module reads from its own folder, and its threads, stay in dist/src.
    const own = relative('dist/src', id);
    let changed = own.startsWith('..')
      ? code
      : code.replaceAll('import.meta.url', `new URL('../src/${own}', import.meta.url).href`);
    for (const binding of BOUND) {
      if (!binding.file.test(id) || !binding.from.test(changed)) continue;
      changed = changed.replace(binding.from, binding.to);
      bound.add(binding);
    }
    return changed === code ? null : changed;
  },
};

/** Tells whether an optional package of a dependency is missing. Loading it then fails as it does without the bundle. */
function isAbsent(name) {
  try {
    createRequire(import.meta.url).resolve(name);
    return false;
  } catch {
    return true;
  }
}

const mayStayOutside = (name) =>
  isBuiltin(name) || SEPARATE.some((pattern) => pattern.test(name)) || isAbsent(name);

rmSync(OUT, { recursive: true, force: true });
const bundle = await rolldown({
  input: { tollgate: 'dist/src/main.js' },
  platform: 'node',
  external: SEPARATE,
  // A package that is both imported and required must be one module, or its metadata would be split.
  resolve: { mainFields: ['main', 'module'] },
  plugins: [bindings],
  logLevel: 'silent',
});
const { output } = await bundle.write({
  dir: OUT,
  format: 'esm',
  keepNames: true,
  chunkFileNames: '[name]-[hash].js',
});
if (bound.size < BOUND.length) throw new Error('A package changed what the bundle binds: see BOUND.');
for (const { imports = [], dynamicImports = [] } of output)
  for (const name of [...imports, ...dynamicImports])
    if (!output.some(({ fileName }) => fileName === name) && !mayStayOutside(name))
      throw new Error(`The bundle leaves out ${name}.`);

console.log(`> ${OUT}: ${output.length} files`);
