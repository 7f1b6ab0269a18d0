import { Button } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';

import { cellText, fullTime, listText } from '../ui/format';
import { LiveView } from '../ui/liveView';
import { LineageGraph } from './graph';
import type { INeighbour, LineageModel } from './model';
import type { ILineageNode } from './types';
import { kindIcons, kindWord, relationWord } from './labels';

/** What the person can do with a thing of the graph. */
export interface ILineageActions {
  /** What opening it is called; null where there is nothing to open. */
  openWord(node: ILineageNode): string | null;
  open(node: ILineageNode): void;
}

function factWord(name: string, trans: TranslationBundle): string {
  const words: Record<string, string> = {
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
  return words[name] ?? name;
}

/** Facts as rows; what holds several is told one by one. */
function factsOf(
  node: ILineageNode,
  language: string,
  trans: TranslationBundle
): [string, string][] {
  return Object.entries(node.facts).flatMap(([name, value]) => {
    if (value === null || value === undefined || name === 'asked') {
      return [];
    }
    if (name === 'dirty') {
      const told = trans.__('Includes uncommitted changes');
      return value ? ([[told, '✓']] as [string, string][]) : [];
    }
    if (name === 'started' || name === 'timestamp') {
      const time =
        typeof value === 'number'
          ? new Date(value * 1000).toISOString()
          : value;
      return [[factWord(name, trans), fullTime(time, language)]];
    }
    if (Array.isArray(value)) {
      const text = listText(value.map(cellText), trans);
      return value.length === 0 ? [] : [[factWord(name, trans), text]];
    }
    if (typeof value === 'object') {
      return Object.entries(value).map(([key, one]): [string, string] => [
        key,
        cellText(one)
      ]);
    }
    return [[factWord(name, trans), cellText(value)]];
  });
}

function Neighbours(props: {
  title: string;
  items: readonly INeighbour[];
  trans: TranslationBundle;
  onSelect: (id: string) => void;
}): JSX.Element | null {
  const { title, items, trans } = props;
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
                title={`${kindWord(node.kind, trans)}: ${node.label}`}
                onClick={() => props.onSelect(node.id)}
              >
                <Icon tag="span" className="jp-mlws-Row-icon" width="16px" />
                <span className="jp-mlws-Row-name">{node.label}</span>
                <span className="jp-mlws-Run-fact">
                  {relationWord(relation, trans)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Lineage as a graph, and what is known of the chosen thing beside it. */
export class LineageView extends LiveView<LineageModel> {
  constructor(
    model: LineageModel,
    private _actions: ILineageActions,
    private _language: string,
    trans: TranslationBundle
  ) {
    super(model, trans);
    this.addClass('jp-mlws-View');
    this.addClass('jp-mlws-LineageView');
  }

  protected body(): JSX.Element {
    const { model, trans } = this;
    const lineage = model.lineage!;
    return (
      <div className="jp-mlws-Lineage">
        <LineageGraph
          lineage={lineage}
          selected={model.selected?.id ?? null}
          trans={trans}
          onSelect={id => model.select(id)}
          onOpen={node => this._actions.open(node)}
        />
        <div className="jp-mlws-Lineage-panel">
          {model.canGoBack && (
            <Button small={true} onClick={() => void model.back()}>
              {trans.__('Back')}
            </Button>
          )}
          {lineage.truncated && (
            <p className="jp-mlws-Note jp-mod-warn" role="status">
              {trans.__(
                'Only part of the lineage is shown. Select an item and show its lineage to see more.'
              )}
            </p>
          )}
          {model.selected && this._details(model.selected)}
        </div>
      </div>
    );
  }

  private _details(node: ILineageNode): JSX.Element {
    const { model, trans } = this;
    const openWord = this._actions.openWord(node);
    const select = (id: string) => model.select(id);
    return (
      <section aria-live="polite">
        <h2>{node.label}</h2>
        <p className="jp-mlws-Hint">{kindWord(node.kind, trans)}</p>
        <div className="jp-mlws-Tools">
          {openWord !== null && (
            <Button
              small={true}
              className="jp-mlws-OpenThing"
              onClick={() => this._actions.open(node)}
            >
              {openWord}
            </Button>
          )}
          {node.id !== model.lineage!.of &&
            node.kind !== 'node' &&
            node.kind !== 'params' && (
              <Button small={true} onClick={() => void model.follow(node.id)}>
                {trans.__('Show Lineage')}
              </Button>
            )}
        </div>
        <dl className="jp-mlws-Facts">
          {factsOf(node, this._language, trans).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        <Neighbours
          title={trans.__('Upstream')}
          items={model.sources(node.id)}
          trans={trans}
          onSelect={select}
        />
        <Neighbours
          title={trans.__('Downstream')}
          items={model.results(node.id)}
          trans={trans}
          onSelect={select}
        />
      </section>
    );
  }
}
