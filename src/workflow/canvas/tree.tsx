import {
  defaultRangeExtractor,
  useVirtualizer,
  type Range
} from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';

import { listText } from '../../ui/format';
import { trans } from '../../ui/locale';
import { useCanvas } from '../context';
import { useDrawing, useKeyed, useSelection } from '../hooks';
import { GroupMark } from './group';
import { StateBadge } from './node';
import { type TreeRow, treeRows } from '../graph/treeRows';
import { nodeText, planText, portText, problemText } from '../labels';

const ROW_HEIGHT = 26;
/** Rows for a key that turns a page. */
const PAGE_ROWS = 10;

/** The graph as a tree: nodes with their states, and below each its inputs and outputs. */
export function TreeView(props: {
  onOpen: (node: string) => void;
}): JSX.Element {
  const { model } = useCanvas();
  const { drawn: graph } = useDrawing();
  const { single } = useSelection();
  const selected = single !== null && graph.nodes.has(single) ? single : null;
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => treeRows(graph, open), [graph, open]);
  const [active, setActive] = useState<string | null>(model.selection.single);
  const current = Math.max(
    0,
    rows.findIndex(({ id }) => id === active)
  );
  const scroller = useRef<HTMLDivElement>(null);
  const wantsFocus = useRef(true);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
    // The row that has the focus stays in the page, wherever the tree is scrolled to.
    rangeExtractor: useCallback(
      (range: Range) =>
        [...new Set([...defaultRangeExtractor(range), current])]
          .filter(index => index < range.count)
          .sort((one, other) => one - other),
      [current]
    )
  });

  // The tree follows selections made elsewhere, such as by the search.
  useEffect(() => {
    if (selected !== null) {
      setActive(selected);
      wantsFocus.current = true;
    }
  }, [model, selected]);
  useEffect(() => {
    virtual.scrollToIndex(current);
    // The search field keeps the focus.
    const tree = scroller.current;
    const isTyping = document.activeElement?.matches('input, textarea, select');
    if (wantsFocus.current && tree && !isTyping) {
      wantsFocus.current = false;
      requestAnimationFrame(() =>
        tree
          .querySelector<HTMLElement>('[tabindex="0"]')
          ?.focus({ preventScroll: true })
      );
    }
  }, [virtual, current]);

  const go = (row: TreeRow | undefined, isAdded = false): void => {
    if (!row) {
      return;
    }
    wantsFocus.current = true;
    setActive(row.id);
    if (row.kind === 'node') {
      const others = isAdded ? model.selection.ids : [];
      model.selection.select([...others, row.node.id]);
    } else {
      // So that Delete removes the connections, not the node.
      model.selection.select([]);
    }
    model.selection.selectEdges(
      row.kind === 'port' ? row.edges.map(edge => edge.id) : []
    );
  };
  const goTo = (id: string): void => go(rows.find(row => row.id === id));
  const setRow = (id: string, isOpen: boolean): void => {
    const next = new Set(open);
    if (isOpen) {
      next.add(id);
    } else {
      next.delete(id);
    }
    setOpen(next);
  };
  const follow = (row: TreeRow): void => {
    if (row.kind === 'node') {
      setRow(row.node.id, !row.isOpen);
    } else if (row.edges.length > 0) {
      const [edge] = row.edges;
      goTo(row.side === 'in' ? edge.source : edge.target);
    }
  };

  const onKeyDown = (event: React.KeyboardEvent): void => {
    const row = rows[current];
    if (!row || event.altKey || event.metaKey) {
      return;
    }
    const steps: Record<string, () => void> = {
      ArrowDown: () => go(rows[current + 1], event.shiftKey),
      ArrowUp: () => go(rows[current - 1], event.shiftKey),
      PageDown: () => go(rows[Math.min(rows.length - 1, current + PAGE_ROWS)]),
      PageUp: () => go(rows[Math.max(0, current - PAGE_ROWS)]),
      Home: () => go(rows[0]),
      End: () => go(rows[rows.length - 1]),
      ArrowRight: () => {
        if (row.kind === 'node' && row.isOpen) {
          go(rows[current + 1]);
        } else if (row.kind === 'node') {
          setRow(row.node.id, true);
        }
      },
      ArrowLeft: () => {
        if (row.kind === 'port') {
          goTo(row.node.id);
        } else {
          setRow(row.node.id, false);
        }
      },
      Enter: () =>
        row.kind === 'node' && !row.node.members
          ? props.onOpen(row.node.id)
          : follow(row),
      ' ': () => go(row)
    };
    const letter = event.key.length === 1 && event.key !== ' ' && event.key;
    const step = event.ctrlKey
      ? undefined
      : letter
        ? () => go(nextWith(rows, current, letter))
        : steps[event.key];
    if (step) {
      event.preventDefault();
      step();
    }
  };

  return (
    <div className="jp-mlws-Tree" ref={scroller}>
      <div
        role="tree"
        aria-label={trans.__('Tree view')}
        aria-multiselectable
        style={{ height: virtual.getTotalSize() }}
        onKeyDown={onKeyDown}
      >
        {virtual.getVirtualItems().map(({ index, start }) => (
          <Row
            key={rows[index].id}
            row={rows[index]}
            top={start}
            isActive={index === current}
            onGo={isAdded => go(rows[index], isAdded)}
            onToggle={() => follow(rows[index])}
          />
        ))}
      </div>
    </div>
  );
}

/** The next node whose name starts with a letter. */
function nextWith(
  rows: readonly TreeRow[],
  current: number,
  letter: string
): TreeRow | undefined {
  const prefix = letter.toLowerCase();
  const ahead = [...rows.slice(current + 1), ...rows.slice(0, current + 1)];
  return ahead.find(
    ({ kind, node }) =>
      kind === 'node' && node.title.toLowerCase().startsWith(prefix)
  );
}

function Row(props: {
  row: TreeRow;
  top: number;
  isActive: boolean;
  onGo: (isAdded: boolean) => void;
  onToggle: () => void;
}): JSX.Element {
  const { model } = useCanvas();
  const { row, top, isActive, onGo, onToggle } = props;
  const isNode = row.kind === 'node';
  return (
    <div
      role="treeitem"
      // The menu of a node of the graph is that of its row.
      className={`jp-mlws-TreeRow${isNode ? ' react-flow__node' : ''}`}
      data-id={isNode ? row.node.id : undefined}
      data-mlws-row={row.id}
      aria-level={isNode ? 1 : 2}
      aria-posinset={row.position}
      aria-setsize={row.count}
      aria-expanded={isNode ? row.isOpen : undefined}
      aria-selected={isNode ? model.selection.ids.has(row.node.id) : isActive}
      tabIndex={isActive ? 0 : -1}
      style={{ top, height: ROW_HEIGHT }}
      onClick={event => onGo(event.ctrlKey || event.shiftKey)}
      onDoubleClick={onToggle}
    >
      {isNode ? <NodeRow onToggle={onToggle} {...row} /> : <PortRow {...row} />}
    </div>
  );
}

function NodeRow(
  props: Extract<TreeRow, { kind: 'node' }> & {
    onToggle: () => void;
  }
): JSX.Element {
  const { model } = useCanvas();
  const { id, node, isOpen, onToggle } = props;
  const state = useKeyed(model.runs.current.nodes, id);
  const plan = useKeyed(model.runs.plan, id);
  const fault = useKeyed(model.drawing.faults, id);
  return (
    <>
      <span
        className="jp-mlws-TreeRow-caret"
        aria-hidden
        onClick={event => {
          event.stopPropagation();
          onToggle();
        }}
      >
        {isOpen ? '▾' : '▸'}
      </span>
      <span className="jp-mlws-TreeRow-title">{node.title}</span>
      <span className="jp-mlws-Node-kind">
        {node.members ? listText(node.members) : nodeText(node)}
      </span>
      {node.members && <GroupMark node={node} />}
      {state ? (
        <StateBadge state={state} />
      ) : (
        plan && (
          <span
            title={[...plan.reasons, plan.environment ?? ''].join('\n').trim()}
          >
            {planText(plan.action)}
          </span>
        )
      )}
      {fault && (
        <span className="jp-mlws-TreeRow-fault">{problemText(fault)}</span>
      )}
    </>
  );
}

function PortRow(props: Extract<TreeRow, { kind: 'port' }>): JSX.Element {
  const { side, port, edges } = props;
  const name = portText(port.name);
  const ends = edges.map(edge =>
    side === 'in'
      ? `${edge.source} (${portText(edge.sourcePort)})`
      : `${edge.target} (${portText(edge.targetPort)})`
  );
  const what = listText(ends.length > 0 ? ends : port.paths);
  return (
    <>
      <span className="jp-mlws-TreeRow-caret" aria-hidden>
        {side === 'in' ? '←' : '→'}
      </span>
      <span>
        {side === 'in'
          ? trans.__('Input %1', name)
          : trans.__('Output %1', name)}
      </span>
      <span className="jp-mlws-Node-kind">
        {port.type ?? trans.__('any file')}
      </span>
      <span>
        {what === ''
          ? trans.__('not connected')
          : ends.length === 0
            ? what
            : side === 'in'
              ? trans.__('from %1', what)
              : trans.__('to %1', what)}
      </span>
    </>
  );
}
