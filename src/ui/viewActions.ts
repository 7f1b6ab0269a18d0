import { Signal } from '@lumino/signaling';
import { createContext, useContext, useEffect } from 'react';

/** A button of a view in the toolbar of its tab. */
export interface IViewAction {
  label: string;
  tooltip?: string;
  className?: string;
  /** True if left out. */
  isEnabled?: boolean;
  execute: () => void;
}

/** The buttons that a view has at present, by the names of their toolbar items. */
export class ViewActions {
  readonly changed = new Signal<this, void>(this);

  /** Returns an action; undefined if the view has none of that name at present. */
  get(name: string): IViewAction | undefined {
    return this._actions[name] || undefined;
  }

  set(actions: Actions): void {
    this._actions = actions;
    this.changed.emit();
  }

  private _actions: Actions = {};
}

type Actions = Readonly<Record<string, IViewAction | false | undefined>>;

/** The actions of the view that a component is part of; null in a panel without a toolbar. */
export const ViewActionsContext = createContext<ViewActions | null>(null);

/** Puts buttons into the toolbar of the view, as they are at each drawing. */
export function useViewActions(actions: Actions): void {
  const target = useContext(ViewActionsContext);
  useEffect(() => target?.set(actions));
  useEffect(() => () => target?.set({}), [target]);
}
