import { readdirSync, readFileSync } from 'fs';
import { dirname, join, relative } from 'path';
import * as ts from 'typescript';
import { expect, it } from 'vitest';

const SOURCE = dirname(__dirname);
const MAX_LINES = 600;
const MAX_MEMBERS = 25;

/** Allowed imports of each feature. */
const SHARED = ['ui', 'lab', 'api', 'operations'];
const FEATURES = [
  'data',
  'experiments',
  'git',
  'hub',
  'lineage',
  'models',
  'notebook',
  'welcome',
  'workflow'
];
const LAYERS: Record<string, string[]> = {
  api: [],
  ui: ['api'],
  operations: ['ui', 'api'],
  lab: ['ui', 'api', 'operations']
};

/** The translations of the page, which every layer uses. */
const LOCALE = 'ui/locale.ts';

/** Allowed imports of each folder of the workflow editor; `shared` is all of SHARED. */
const VIEW = [
  'store',
  'graph',
  'document',
  'context.ts',
  'hooks.ts',
  'labels.ts',
  'failure.ts',
  'icons.ts',
  'operationIcons.ts',
  'certainty.ts',
  'replies.ts',
  'askForm.tsx',
  'columnTable.tsx',
  'plainGraph.tsx',
  ...SHARED
];
const WORKFLOW: Record<string, string[]> = {
  document: [],
  graph: ['document', 'api'],
  store: ['document', 'graph', 'api'],
  'context.ts': ['document', 'graph', 'store', 'api'],
  'hooks.ts': ['context.ts', 'store'],
  'labels.ts': ['document', 'graph', 'api', 'ui'],
  'failure.ts': ['api', 'ui'],
  'icons.ts': ['document', 'ui'],
  'operationIcons.ts': ['graph', 'ui'],
  'certainty.ts': ['api', 'ui'],
  'askForm.tsx': ['ui'],
  'columnTable.tsx': ['labels.ts', 'api', 'ui'],
  'plainGraph.tsx': ['graph', 'ui'],
  canvas: VIEW,
  inspector: VIEW,
  runs: VIEW,
  results: VIEW,
  compare: VIEW,
  import: VIEW,
  export: VIEW,
  list: VIEW
};
/** Composes the views of all folders. */
const COMPOSER = 'workflow/canvas/view.tsx';

const IS_UI_LIBRARY = /^(react|react-dom|@jupyterlab|@lumino|@xyflow)(\/|$)/;
/** Folders that know nothing of the page. */
const PURE: Record<string, RegExp> = {
  // Signals and disposables are plain JavaScript, and the lab shares its copy of them.
  api: /^(react|react-dom|@xyflow|@lumino\/(?!(signaling|disposable)$))/,
  'workflow/document': IS_UI_LIBRARY,
  'workflow/graph': IS_UI_LIBRARY
};

const FILES = new Map(
  (readdirSync(SOURCE, { recursive: true }) as string[])
    .filter(path => /(?<!\.spec)\.tsx?$/.test(path))
    .filter(path => !path.startsWith('__tests__'))
    // Generated from the server's description of its API.
    .filter(path => path !== 'api/schema.ts')
    .map(path => [path, readFileSync(join(SOURCE, path), 'utf8')])
);

/** The modules that a file imports: paths below `src`, or names of packages. */
function importsOf(path: string): string[] {
  return ts
    .preProcessFile(FILES.get(path)!)
    .importedFiles.map(({ fileName }) => fileName)
    .filter(name => !/\.(css|svg)$/.test(name))
    .flatMap(name => {
      if (!name.startsWith('.')) {
        return name;
      }
      const module = relative(SOURCE, join(SOURCE, dirname(path), name));
      return (
        [`${module}.ts`, `${module}.tsx`].find(one => FILES.has(one)) ?? []
      );
    });
}

const IMPORTS = [...FILES.keys()].flatMap(from =>
  importsOf(from).map(to => ({ from, to }))
);

function mayImport(from: string, to: string): boolean {
  const area = from.split('/')[0];
  const folder = from.split('/').slice(0, 2).join('/');
  const pattern = PURE[area] ?? PURE[folder];
  if (!FILES.has(to)) {
    return !pattern?.test(to);
  }
  if (to === LOCALE) {
    return true;
  }
  const target = to.split('/')[0];
  if (area === 'workflow' && from !== COMPOSER) {
    const [, room] = from.split('/');
    const goal = target === 'workflow' ? to.split('/')[1] : target;
    return !WORKFLOW[room] || goal === room || WORKFLOW[room].includes(goal);
  }
  const allowed = FEATURES.includes(area) ? SHARED : LAYERS[area];
  return !allowed || target === area || allowed.includes(target);
}

it('imports go in the directions of the architecture', () => {
  const wrong = IMPORTS.filter(({ from, to }) => !mayImport(from, to));
  expect(wrong.map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

it('no modules import each other in a circle', () => {
  const reach = (start: string): Set<string> => {
    const found = new Set<string>();
    const open = [start];
    for (const from of open) {
      for (const { to } of targets.get(from) ?? []) {
        if (!found.has(to)) {
          found.add(to);
          open.push(to);
        }
      }
    }
    return found;
  };
  const targets = new Map<string, { to: string }[]>();
  IMPORTS.forEach(one =>
    targets.set(one.from, [...(targets.get(one.from) ?? []), one])
  );
  const reached = new Map([...FILES.keys()].map(path => [path, reach(path)]));
  const circles = [...FILES.keys()].flatMap(path =>
    reached.get(path)!.has(path)
      ? [
          [...FILES.keys()]
            .filter(
              other =>
                reached.get(path)!.has(other) && reached.get(other)!.has(path)
            )
            .sort()
            .join(' ')
        ]
      : []
  );
  expect([...new Set(circles)]).toEqual([]);
});

it(`no source file is longer than ${MAX_LINES} lines`, () => {
  const long = [...FILES].filter(
    ([, text]) => text.split('\n').length - 1 > MAX_LINES
  );
  expect(long.map(([path]) => path).sort()).toEqual([]);
});

function publicMembers(declaration: ts.ClassDeclaration): Set<string> {
  const { Private, Protected, Public, Readonly } = ts.ModifierFlags;
  const has = (node: ts.Declaration, flags: ts.ModifierFlags): boolean =>
    (ts.getCombinedModifierFlags(node) & flags) !== 0;
  const names = declaration.members.flatMap(member => {
    if (has(member, Private | Protected)) {
      return [];
    }
    return ts.isConstructorDeclaration(member)
      ? member.parameters
          .filter(one => has(one, Public | Readonly))
          .filter(one => !has(one, Private | Protected))
          .map(one => one.name.getText())
      : [member.name?.getText() ?? ''];
  });
  return new Set(names);
}

it(`no class has more than ${MAX_MEMBERS} public members`, () => {
  const large = [...FILES]
    .filter(([, text]) => /^(export )?(abstract )?class /m.test(text))
    .flatMap(([path, text]) =>
      ts
        .createSourceFile(path, text, ts.ScriptTarget.Latest, true)
        .statements.filter(ts.isClassDeclaration)
        .filter(one => publicMembers(one).size > MAX_MEMBERS)
        .map(one => `${path} ${one.name?.text}`)
    );
  expect(large.sort()).toEqual([]);
});
