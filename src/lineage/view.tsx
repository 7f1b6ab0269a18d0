import { useState } from 'react';

import type { MLWSClient } from '../api/client';
import type { ILineage, ILineageEdge, ILineageNode } from '../api/models';
import { Hint } from '../ui/controls';
import { cellText, fullTime, listText } from '../ui/format';
import { trans } from '../ui/locale';
import { Answer, ServerView, useGet } from '../ui/server';
import { useViewActions } from '../ui/viewActions';
import { LineageGraph } from './graph';
import { kindIcons, kindLabel, relationLabel } from './labels';

/** Neighbor of a node, and the relation to it. */
interface INeighbour {
  node: ILineageNode;
  relation: string;
}

/** The actions on a node of the graph. */
export interface ILineageActions {
  /** Returns the label of its button; null if it cannot be opened. */
  openLabel(node: ILineageNode): string | null;
  open(node: ILineageNode): void;
}

function factLabel(name: string): string {
  const labels: Record<string, string> = {
    id: trans.__('ID'),
    run: trans.__('Run'),
    node: trans.__('Node'),
    workflow: trans.__('Workflow'),
    status: trans.__('Status'),
    started: trans.__('Started'),
    path: trans.__('Path'),
    md5: trans.__('Hash'),
    commit: trans.__('Commit'),
    author: trans.__('Author'),
    timestamp: trans.__('Time'),
    name: trans.__('Name'),
    version: trans.__('Version')
  };
  return labels[name] ?? name;
}

/** Returns the facts of a node as rows; an object has a row for each of its fields. */
function factsOf(node: ILineageNode): [string, string][] {
  return Object.entries(node.facts).flatMap(([name, value]) => {
    if (value === null || value === undefined || name === 'asked') {
      return [];
    }
    if (name === 'dirty') {
      const label = trans.__('Includes uncommitted changes');
      return value ? ([[label, '✓']] as [string, string][]) : [];
    }
    if (name === 'started' || name === 'timestamp') {
      const time =
        typeof value === 'number'
          ? new Date(value * 1000).toISOString()
          : value;
      return [[factLabel(name), fullTime(String(time))]];
    }
    if (Array.isArray(value)) {
      const text = listText(value.map(cellText));
      return value.length === 0 ? [] : [[factLabel(name), text]];
    }
    if (typeof value === 'object') {
      return Object.entries(value).map(([key, one]): [string, string] => [
        key,
        cellText(one)
      ]);
    }
    return [[factLabel(name), cellText(value)]];
  });
}

function Neighbours(props: {
  title: string;
  items: readonly INeighbour[];
  onSelect: (id: string) => void;
}): JSX.Element | null {
  const { title, items } = props;
  if (items.length === 0) {
    return null;
  }
  return (
    <section>
      <h3>{title}</h3>
      <ul className="jp-mlws-Rows" aria-label={title}>
        {items.map(({ node, relation }) => {
          const Icon = kindIcons[node.kind].react;
          return (
            <li key={node.id}>
              <button
                className="jp-mlws-Row"
                title={`${kindLabel(node.kind)}: ${node.label}`}
                onClick={() => props.onSelect(node.id)}
              >
                <Icon tag="span" className="jp-mlws-Row-icon" width="16px" />
                <span className="jp-mlws-Row-name">{node.label}</span>
                <span className="jp-mlws-Run-fact">
                  {relationLabel(relation)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Returns the nodes at an `end` of all edges that connect neighbors. */
function neighbours(
  { nodes, edges }: ILineage,
  end: 'source' | 'target',
  isNeighbour: (edge: ILineageEdge) => boolean
): INeighbour[] {
  const byId = new Map(nodes.map(node => [node.id, node]));
  return edges.filter(isNeighbour).flatMap(edge => {
    const node = byId.get(edge[end]);
    return node ? [{ node, relation: edge.relation }] : [];
  });
}

function Details(props: {
  node: ILineageNode;
  lineage: ILineage;
  client: MLWSClient;
  onSelect: (id: string) => void;
}): JSX.Element {
  const { node, lineage, onSelect } = props;
  return (
    <section aria-live="polite">
      <h2>{node.label}</h2>
      <Hint>{kindLabel(node.kind)}</Hint>
      <dl className="jp-mlws-Facts">
        {factsOf(node).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <Neighbours
        title={trans.__('Upstream')}
        items={neighbours(lineage, 'source', edge => edge.target === node.id)}
        onSelect={onSelect}
      />
      <Neighbours
        title={trans.__('Downstream')}
        items={neighbours(lineage, 'target', edge => edge.source === node.id)}
        onSelect={onSelect}
      />
    </section>
  );
}

interface ILineageProps {
  client: MLWSClient;
  actions: ILineageActions;
  /** The id of a node. */
  of: string;
}

/** The graph of a lineage, and the details of the selected node beside it. */
function Lineage(props: ILineageProps): JSX.Element {
  const { client, actions } = props;
  // The last item is shown; the others are the way back.
  const [trail, setTrail] = useState([props.of]);
  const [selected, setSelected] = useState<string | null>(null);
  const answer = useGet(
    client,
    '/lineage',
    { of: trail[trail.length - 1] },
    { keepPrevious: true }
  );
  const node = [selected, answer.data?.of]
    .map(id => answer.data?.nodes.find(one => one.id === id))
    .find(Boolean);
  const openLabel = node ? actions.openLabel(node) : null;
  useViewActions({
    back: trail.length > 1 && {
      label: trans.__('Back'),
      execute: () => {
        setTrail(trail.slice(0, -1));
        setSelected(null);
      }
    },
    open: openLabel !== null && {
      label: openLabel,
      className: 'jp-mlws-OpenThing',
      execute: () => actions.open(node!)
    },
    follow: node?.id !== answer.data?.of &&
      node?.kind !== 'node' &&
      node?.kind !== 'params' && {
        label: trans.__('Show Lineage'),
        execute: () => {
          setTrail([...trail, node!.id]);
          setSelected(node!.id);
        }
      }
  });
  return (
    <Answer of={answer}>
      {lineage => (
        <div className="jp-mlws-Lineage">
          <LineageGraph
            lineage={lineage}
            selected={node?.id ?? null}
            onSelect={setSelected}
            onOpen={one => actions.open(one)}
          />
          <div className="jp-mlws-Lineage-panel">
            {lineage.truncated && (
              <p className="jp-mlws-Note jp-mod-warn" role="status">
                {trans.__(
                  'Only part of the lineage is shown. Select an item and show its lineage to see more.'
                )}
              </p>
            )}
            {node && (
              <Details
                node={node}
                lineage={lineage}
                client={client}
                onSelect={setSelected}
              />
            )}
          </div>
        </div>
      )}
    </Answer>
  );
}

/** The lineage of a thing in the main area. */
export function lineageView(props: ILineageProps): ServerView {
  return new ServerView(props.client, () => <Lineage {...props} />, {
    label: trans.__('Lineage'),
    className: 'jp-mlws-View jp-mlws-LineageView',
    help: 'reference-experiments',
    caption: props.of
  });
}
