import { Signal } from '@lumino/signaling';

import { APIError } from '../../api/client';
import type { INodePlan, IPlan } from '../../api/models';
import type { DocumentStore } from './document';
import type { DrawingStore } from './drawing';
import { KeyedStore } from './keyed';
import { coalesce, type ServerLink } from './server';

/** The plan of the next run, of the text as it is on the canvas, saved or not. */
export class PlanStore {
  constructor(
    private _server: ServerLink,
    private _document: DocumentStore,
    private _drawing: DrawingStore
  ) {}

  /** By the id of the stage; a sweep's variants are taken together. */
  readonly nodes = new KeyedStore<INodePlan>();

  /** The counts and the estimate; null if planning failed. */
  get plan(): IPlan | null {
    return this._plan;
  }

  /** True if a run would do nothing. */
  get isUpToDate(): boolean {
    return (
      this._plan !== null &&
      this._plan.summary.run === 0 &&
      this._plan.summary.restorable === 0
    );
  }

  readonly changed = new Signal<this, void>(this);

  dispose(): void {
    Signal.clearData(this);
  }

  /**
   * Plans the present text.
   *
   * A single request is in progress at a time: calls during it share the next request.
   */
  readonly refresh = coalesce(async () => {
    const { problems, graph } = this._drawing;
    const { text, error, isReadOnly } = this._document;
    const isFaulty = problems.some(
      problem => 'kind' in problem || problem.severity === 'error'
    );
    if (error || isFaulty || isReadOnly || graph.nodes.size === 0) {
      this._set(null);
      return;
    }
    await this._server.ask(
      service => service.plan(text),
      plan => {
        if (text === this._document.text) {
          this._set(plan);
        }
      },
      // A workflow with faults has no plan; the problems say why.
      reason => this._drawing.problems.length > 0 || isAboutFaults(reason)
    );
  });

  private _set(plan: IPlan | null): void {
    this.nodes.replace(planByStage(plan?.nodes ?? []));
    if (this._plan !== plan) {
      this._plan = plan;
      this.changed.emit();
    }
  }

  private _plan: IPlan | null = null;
}

/** The file may have changed between a validation and the plan. */
function isAboutFaults(error: unknown): boolean {
  return error instanceof APIError && /^4020[1-5]$/.test(error.code);
}

/** The plan of a sweep is that of the variant with the most to do. */
function planByStage(plans: readonly INodePlan[]): Map<string, INodePlan> {
  const weight = ['run', 'restorable', 'frozen', 'cached'];
  const stages = new Map<string, INodePlan>();
  for (const plan of plans) {
    const id = plan.id.split('@')[0];
    const best = stages.get(id);
    if (!best || weight.indexOf(plan.action) < weight.indexOf(best.action)) {
      stages.set(id, plan);
    }
  }
  return stages;
}
