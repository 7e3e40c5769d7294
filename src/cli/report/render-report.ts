// Views → HTML pages with everything in them: they open without a network.
import { renderTemplate } from "../../runtime/files/render-template.js";
import type { ReportView, Table } from "./view.js";
import { printableDocument } from "../../compiler/diagnostics/printable.js";

const TABLE = new URL("table.html.hbs", import.meta.url);

const PARTIALS = { table: TABLE, style: new URL("style.css.hbs", import.meta.url) };

export async function renderReport(view: ReportView): Promise<string> {
  return renderTemplate(new URL("report.html.hbs", import.meta.url), printableView(view), {
    kind: "html",
    partials: PARTIALS,
  });
}

/** What `netc graph --format html` shows: the network alone, before anything was trained. */
export interface GraphView extends Pick<ReportView, "title" | "subtitle" | "figures"> {
  readonly network: string;
  readonly layers: Table;
}

export async function renderGraph(view: GraphView): Promise<string> {
  return renderTemplate(new URL("graph.html.hbs", import.meta.url), printableView(view), {
    kind: "html",
    partials: PARTIALS,
  });
}

/** A table alone, for a section's markup. */
export async function renderTable(table: Table): Promise<string> {
  return renderTemplate(TABLE, printableView(table), { kind: "html" });
}

/** Every text in it as a page may hold it: nothing hidden, nothing that turns the direction of what follows. */
function printableView<View>(view: View): View {
  if (typeof view === "string") return printableDocument(view) as View;
  if (Array.isArray(view)) return view.map(printableView) as View;
  if (typeof view !== "object" || view === null) return view;
  return Object.fromEntries(Object.entries(view).map(([key, value]) => [key, printableView(value)])) as View;
}
