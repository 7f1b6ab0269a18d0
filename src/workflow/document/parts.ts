import {
  Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  Pair,
  parseDocument,
  YAMLMap,
  YAMLSeq,
  type Node,
  type Scalar
} from 'yaml';

export type Entry = Pair<Scalar, Node | null>;

/**
 * Entry of a `dvc.yaml` with its parsed nodes, whose ranges count from its start.
 *
 * Documents share unchanged parts: parsing after an edit takes time only for the changed parts.
 */
interface IPart {
  readonly text: string;
  /** A pair of the root or of `stages`, or an item of `vars`. */
  readonly entry: Entry | Node;
}

/** A text that was parsed in parts. */
export interface IPartedText {
  parts: readonly IPart[];
  yaml: Document.Parsed;
  /** Offset to add to a node's range; 0 for a node without a part. */
  baseOf: (node: object) => number;
}

/** The parts that nodes are of. */
const OWNERS = new WeakMap<object, IPart>();

interface ISection {
  /** The start of each part: the head, then the entries of `stages` or `vars`. */
  starts: number[];
  /** The indentation of an entry; null if the section is a single part. */
  indent: number | null;
  isList: boolean;
}

const HEAD = /^(vars|stages):(?:[ \t]+#.*|[ \t]*)\r?$/;
const NAME = /[\p{L}\p{N}_]/u;

/**
 * Parses a text in parts; null if it has to be parsed as a whole: it is not a plain block mapping,
 * an anchor reaches from one part to another, or a part is invalid.
 */
export function parseParts(
  text: string,
  known: readonly IPart[]
): IPartedText | null {
  const sections = split(text);
  if (!sections) {
    return null;
  }
  const pool = new Map<string, IPart[]>();
  for (const part of known) {
    const same = pool.get(part.text);
    if (same) {
      same.push(part);
    } else {
      pool.set(part.text, [part]);
    }
  }
  const bases = new Map<IPart, number>();
  const take = (start: number, end: number): Entry | Node | null => {
    const own = text.slice(start, end);
    const part = pool.get(own)?.pop() ?? parsePart(own);
    if (part) {
      bases.set(part, start);
    }
    return part?.entry ?? null;
  };
  const root = new YAMLMap();
  for (const [index, { starts, indent, isList }] of sections.entries()) {
    const end = sections[index + 1]?.starts[0] ?? text.length;
    const [head, ...entries] = starts.map((start, at) =>
      take(start, starts[at + 1] ?? end)
    );
    if (!isPair(head) || entries.some(one => !one || isPair(one) === isList)) {
      return null;
    }
    if (indent === null) {
      root.items.push(head);
      continue;
    }
    const inner = isList ? new YAMLSeq<unknown>() : new YAMLMap();
    inner.items = entries as Entry[];
    inner.range = [starts[1] + indent, end, end];
    root.items.push(new Pair(head.key, inner));
    if (!isList && !hasUniqueKeys(inner as YAMLMap)) {
      return null;
    }
  }
  root.range = [sections[0].starts[0], text.length, text.length];
  const yaml = new Document() as Document.Parsed;
  yaml.contents = root as never;
  return hasUniqueKeys(root)
    ? {
        parts: [...bases.keys()],
        yaml,
        baseOf: node => bases.get(OWNERS.get(node)!) ?? 0
      }
    : null;
}

/** The sections of the root, and their entries, by the indentation of lines. */
function split(text: string): ISection[] | null {
  const sections: ISection[] = [];
  for (let line = 0; line < text.length;) {
    const next = text.indexOf('\n', line);
    const end = next < 0 ? text.length : next;
    let at = line;
    while (text[at] === ' ') {
      at += 1;
    }
    const start = line;
    line = end + 1;
    const first = at < end ? text[at] : '\r';
    if (first === '\r' || first === '#') {
      continue;
    }
    const indent = at - start;
    const isItem = first === '-' && /[\s]/.test(text[at + 1] ?? '\n');
    const isName = NAME.test(first);
    const section = sections[sections.length - 1];
    if (indent === 0 && isName) {
      const head = HEAD.exec(text.slice(start, end));
      const isList = head?.[1] === 'vars';
      sections.push({ starts: [start], indent: head ? -1 : null, isList });
    } else if (!section || first === '\t' || (indent === 0 && !isItem)) {
      return null;
    } else if (section.indent !== null) {
      if (section.indent < 0) {
        section.indent = indent;
      }
      const isEntry = indent === section.indent;
      if (
        indent < section.indent ||
        (isEntry && !(section.isList ? isItem : isName))
      ) {
        return null;
      }
      if (isEntry) {
        section.starts.push(start);
      }
    }
  }
  for (const section of sections) {
    if (section.starts.length === 1) {
      section.indent = null;
    }
  }
  return sections.length > 0 ? sections : null;
}

function parsePart(text: string): IPart | null {
  const { contents, errors } = parseDocument(text, { prettyErrors: false });
  const isOne =
    (isMap(contents) || isSeq(contents)) &&
    contents.items.length === 1 &&
    !contents.flow;
  if (errors.length > 0 || !isOne) {
    return null;
  }
  const [entry] = contents.items as (Entry | Node)[];
  const part: IPart = { text, entry };
  const isScalarKey = !isPair(entry) || isScalar(entry.key);
  return isScalarKey && own(entry, part) ? part : null;
}

/** Records the part of each node; false if a part refers to another. */
function own(node: unknown, part: IPart): boolean {
  if (isPair(node)) {
    return own(node.key, part) && own(node.value, part);
  }
  if (node === null || node === undefined) {
    return true;
  }
  if (isAlias(node) || (node as { anchor?: string }).anchor) {
    return false;
  }
  OWNERS.set(node, part);
  return isMap(node) || isSeq(node)
    ? (node.items as unknown[]).every(item => own(item, part))
    : true;
}

function hasUniqueKeys(map: YAMLMap): boolean {
  const names = map.items.map(pair => (pair as Entry).key.value);
  return new Set(names).size === names.length;
}
