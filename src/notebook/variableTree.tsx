import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import { useState } from 'react';
import type { MLWSClient } from '../api/client';
import type { IVariableItem, IVariableItems } from '../api/models';
import { Hint } from '../ui/controls';
import { memorySize } from '../ui/format';
import { useRead } from '../ui/useRead';
import type { KernelVariable } from './kernelVariable';
import { language, trans } from '../ui/locale';

/** Items of a request. */
export const PAGE_ITEMS = 100;
/** Pixels that an item is further right than the value that it is in. */
const INDENT = 16;

interface ITreeProps {
  client: MLWSClient;
  variable: KernelVariable;
  /** Positions of items: the way to the value whose items these are. */
  path: readonly number[];
  /** Changes with the content. */
  version: number;
  /** Opens an item as a table; `label` is appended to the title of the value. */
  onOpen: (path: readonly number[], label: string) => void;
}

/** Tree of the items of a dictionary, a list or a model. */
export function VariableTree(
  props: ITreeProps & { first: IVariableItems }
): JSX.Element {
  const { first } = props;
  return (
    <div className="jp-mlws-Variables" tabIndex={0}>
      <table role="treegrid" aria-label={trans.__('Items')}>
        <thead>
          <tr>
            <th>{trans.__('Name')}</th>
            <th>{trans.__('Type')}</th>
            <th>{trans.__('Shape')}</th>
            <th>{trans.__('Value')}</th>
            <th>{trans.__('Memory')}</th>
          </tr>
        </thead>
        <tbody>
          <Items {...props} level={1} label="" />
        </tbody>
      </table>
      {first.total === 0 && <Hint>{trans.__('No items.')}</Hint>}
    </div>
  );
}

function Items(
  props: ITreeProps & { level: number; label: string }
): JSX.Element {
  const { variable, path, version, level } = props;
  const [limit, setLimit] = useState(PAGE_ITEMS);
  const key = path.join();
  const { data, error } = useRead(async () => {
    const items: IVariableItem[] = [];
    let total = 0;
    for (let offset = 0; offset < limit; offset += PAGE_ITEMS) {
      const page = await variable.items(path, offset, PAGE_ITEMS);
      items.push(...page.items);
      total = page.total;
    }
    return { items, total };
  }, [variable, key, version, limit]);
  const { items, total } = data ?? { items: [], total: 0 };
  const indent = { paddingLeft: 6 + (level - 1) * INDENT };
  return (
    <>
      {error && (
        <tr>
          <td colSpan={5} className="jp-mlws-Field-error" style={indent}>
            {error.message}
          </td>
        </tr>
      )}
      {items.map((item, position) => (
        <Item
          key={`${position} ${item.type}`}
          {...props}
          item={item}
          path={[...path, position]}
          label={`${props.label}${item.role ? `.${item.name}` : `[${item.name}]`}`}
        />
      ))}
      {items.length < total && (
        <tr>
          <td colSpan={5} style={indent}>
            <button
              type="button"
              className="jp-mlws-Link"
              onClick={() => setLimit(limit + PAGE_ITEMS)}
            >
              {trans.__(
                'Show more (%1 of %2)',
                items.length.toLocaleString(language),
                total.toLocaleString(language)
              )}
            </button>
          </td>
        </tr>
      )}
    </>
  );
}

function Item(
  props: ITreeProps & { level: number; item: IVariableItem; label: string }
): JSX.Element {
  const { item, path, level, label, onOpen } = props;
  const [isOpen, setOpen] = useState(false);
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  const roles = {
    parameter: trans.__('Parameter of the model'),
    fitted: trans.__('Attribute of the fitted model')
  };
  return (
    <>
      <tr
        aria-level={level}
        aria-expanded={item.view === 'tree' ? isOpen : undefined}
        data-mlws-role={item.role ?? undefined}
        title={item.role ? roles[item.role] : undefined}
      >
        <th scope="row" style={{ paddingLeft: 6 + (level - 1) * INDENT }}>
          {item.view === 'tree' ? (
            <button
              type="button"
              aria-expanded={isOpen}
              onClick={() => setOpen(!isOpen)}
            >
              <Caret.react tag="span" />
              {item.name}
            </button>
          ) : item.view === 'table' ? (
            <button
              type="button"
              className="jp-mlws-Link"
              title={trans.__('Open %1', item.name)}
              onClick={() => onOpen(path, label)}
            >
              {item.name}
            </button>
          ) : (
            item.name
          )}
        </th>
        <td>{item.type}</td>
        <td>{item.shape?.join(' × ')}</td>
        <td className="jp-mlws-Variables-value" title={item.preview}>
          {item.preview}
        </td>
        <td>{item.memory === null ? '' : memorySize(item.memory)}</td>
      </tr>
      {isOpen && <Items {...props} level={level + 1} />}
    </>
  );
}
