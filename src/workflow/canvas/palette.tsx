import { useState } from 'react';

import type { IComponent } from '../../api/models';
import { Empty, SearchField } from '../../ui/controls';
import { trans } from '../../ui/locale';
import { matchesWords, searchText } from '../graph/choices';
import { componentIconOf } from '../operationIcons';
import { useCanvas } from '../context';
import { useCatalog, usePreferences } from '../hooks';

export const COMPONENT_MIME = 'application/x-jupyter-mlws-component';

/** The components by category; dragged onto the canvas, or added by a click or Enter. */
export function Palette({
  onAdd
}: {
  onAdd: (name: string) => void;
}): JSX.Element {
  const { preferences } = useCanvas();
  const { collapsedCategories } = usePreferences();
  const { components } = useCatalog();
  const [query, setQuery] = useState('');
  const matches = [...components.values()].filter(one =>
    matchesWords(searchText(one), query)
  );
  const categories = [...new Set(matches.map(one => one.category))];
  return (
    <div
      className="jp-mlws-Palette"
      role="region"
      aria-label={trans.__('Components')}
    >
      {/* Not JupyterLab's search field: its clear button has no accessible name. */}
      <SearchField
        className="jp-mod-styled jp-mlws-Palette-search"
        label={trans.__('Search')}
        disabled={components.size === 0}
        value={query}
        onChange={setQuery}
      />
      <div className="jp-mlws-Palette-list">
        {categories.map(category => (
          <details
            key={category}
            // A search opens the categories with matches.
            open={query !== '' || !collapsedCategories.includes(category)}
            onToggle={event => {
              const { open } = event.currentTarget;
              if (
                query === '' &&
                open === collapsedCategories.includes(category)
              ) {
                const others = collapsedCategories.filter(
                  one => one !== category
                );
                void preferences.set(
                  'collapsedCategories',
                  open ? others : [...others, category]
                );
              }
            }}
          >
            <summary>{category}</summary>
            {matches
              .filter(one => one.category === category)
              .map(one => (
                <PaletteItem key={one.name} component={one} onAdd={onAdd} />
              ))}
          </details>
        ))}
        {matches.length === 0 && <PaletteHint isSearch={query !== ''} />}
      </div>
    </div>
  );
}

function PaletteItem(props: {
  component: IComponent;
  onAdd: (name: string) => void;
}): JSX.Element {
  const { openFile } = useCanvas();
  const { component, onAdd } = props;
  const { name, title, description, error, path, group = '' } = component;
  const Icon = componentIconOf(name, group).react;
  const isBroken = error !== null;
  const act = (): void => {
    if (!isBroken) {
      onAdd(name);
    } else if (path !== null) {
      openFile(path, Number(/^line (\d+): /.exec(error)?.[1] ?? 1));
    }
  };
  return (
    <div
      className={`jp-mlws-Palette-item${error ? ' jp-mod-error' : ''}`}
      data-mlws-component={name}
      data-mlws-category={group}
      data-mlws-help={
        component.source === 'library' ? `component-${name}` : undefined
      }
      role="button"
      tabIndex={0}
      draggable={!error}
      title={error ?? description}
      aria-disabled={isBroken && path === null}
      onDragStart={event => {
        event.dataTransfer.setData(COMPONENT_MIME, name);
        event.dataTransfer.effectAllowed = 'copy';
      }}
      onClick={({ detail, currentTarget }) => {
        // A double click adds one node only.
        if (detail > 1) {
          return;
        }
        act();
        if (!isBroken) {
          // So that the keys of the canvas are for the new node.
          currentTarget
            .closest('.jp-mlws-Workflow')
            ?.querySelector<HTMLElement>('.jp-mlws-Canvas')
            ?.focus({ preventScroll: true });
        }
      }}
      onKeyDown={event => {
        if (event.key === 'Enter' || event.key === ' ') {
          event.preventDefault();
          act();
        }
      }}
    >
      <Icon tag="span" className="jp-mlws-Palette-icon" />
      <span className="jp-mlws-Palette-title">
        {title}
        {isBroken && <span className="jp-mlws-Palette-error">{error}</span>}
      </span>
      {component.source === 'project' && (
        <span className="jp-mlws-Palette-own">●</span>
      )}
    </div>
  );
}

function PaletteHint({ isSearch }: { isSearch: boolean }): JSX.Element {
  const { library } = useCatalog();
  if (isSearch) {
    return <Empty>{trans.__('No matching components.')}</Empty>;
  }
  return (
    <Empty>
      {library === null
        ? trans.__('Loading…')
        : library === 'missing'
          ? trans.__('Could not load components from the server.')
          : trans.__(
              'Components are Python functions with typed inputs and outputs. Add a ' +
                'function with @component to the “components” folder to see it here.'
            )}
    </Empty>
  );
}
