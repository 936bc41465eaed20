'use strict';

// What a view meets of LuCI, and nothing of a router: `scene` has the answers of ubus in turn, and
// what a person does. What was called, said or went wrong stands in the document at the end.

const report = { calls: [], notifications: [], errors: [] };

addEventListener('error', (event) => report.errors.push(event.message));
addEventListener('unhandledrejection', (event) => report.errors.push(String(event.reason)));

String.prototype.format = function (...values) {
	return this.replace(/%s/g, () => values.shift());
};

const _ = (text) => scene.translation?.[text] ?? text;

// As LuCI has it: what is in an array is text, a bare string is HTML.
function append(node, children) {
	if (Array.isArray(children)) {
		for (const child of children.filter((child) => child != null))
			node.append(child instanceof Node ? child : String(child));
	}
	else if (children instanceof Node)
		node.append(children);
	else if (children != null)
		node.innerHTML = String(children);
}

function E(tag, attributes = {}, children = null) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (typeof value === 'function')
			node.addEventListener(name, value);
		else
			node.setAttribute(name, value);
	}
	append(node, children);
	return node;
}

const modules = {
	view: { extend: (page) => page },
	poll: { functions: [], add(refresh) { this.functions.push(refresh); } },
	rpc: {
		declare: ({ object, method, expect }) => async () => {
			report.calls.push(`${object}.${method}`);
			const answers = scene.answers[method];
			const answer = answers.length > 1 ? answers.shift() : answers[0];
			return expect ? answer[Object.keys(expect)[0]] : answer;
		},
	},
	ui: {
		createHandlerFn: (context, handler) => (event) => handler.call(context, event),
		addNotification: (title, content, kind) =>
			report.notifications.push([title, content.textContent, kind]),
	},
};

async function play(source) {
	const names = [...source.matchAll(/^'require (\w+)';$/gm)].map(([, name]) => name);
	const page = new Function('E', '_', ...names, source)(E, _, ...names.map((name) => modules[name]));
	document.getElementById('view').append(await page.render(await page.load()));
	for (const deed of scene.deeds) {
		if (deed === 'poll')
			await modules.poll.functions[0]();
		else
			document.querySelector(`[data-button=${deed}]`).click();
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}

play(scene.source)
	.catch((error) => report.errors.push(String(error)))
	.finally(() => {
		report.overflows = document.documentElement.scrollWidth > innerWidth;
		document.body.dataset.report = JSON.stringify(report);
	});
