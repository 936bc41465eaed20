'use strict';
'require view';
'require poll';
'require rpc';
'require ui';

const INTERVAL_S = 5;

const callStatus = rpc.declare({ object: 'henbd', method: 'status' });
const callInform = rpc.declare({ object: 'henbd', method: 'inform', expect: { error: '' } });
const callReconnect = rpc.declare({ object: 'henbd', method: 'reconnect', expect: { error: '' } });

const UNITS = [
	[86400, 3600, 'd', 'h'],
	[3600, 60, 'h', 'min'],
	[60, 1, 'min', 's'],
];

// Text of a duration in the two units that matter.
function duration(seconds) {
	const whole = Math.max(0, Math.floor(seconds));
	const unit = UNITS.find(([size]) => whole >= size);
	if (unit === undefined)
		return `${whole} s`;
	const [size, part, name, partName] = unit;
	return `${Math.floor(whole / size)} ${name} ${Math.floor((whole % size) / part)} ${partName}`;
}

// What comes from elsewhere goes into an array: a child that is a bare string would be HTML.
function text(value) {
	return [String(value)];
}

function list(values) {
	return values?.length ? values.join(', ') : '–';
}

function badge(good, wording) {
	const kind = good ? 'success' : 'warning';
	return E('span', { 'class': `label ${kind}`, 'data-good': String(good) }, text(wording));
}

function row(name, title, ...content) {
	const children = content.filter((child) => child != null && child !== '');
	return E('tr', { 'class': 'tr', 'data-row': name }, [
		E('td', { 'class': 'td left', 'width': '33%' }, text(title)),
		E('td', { 'class': 'td left' }, children.flatMap((child, n) => n ? [E('br'), child] : [child])),
	]);
}

function section(name, title, ...content) {
	return E('div', { 'class': 'cbi-section', 'data-section': name }, [E('h3', {}, text(title)), ...content]);
}

function rows(...content) {
	return E('table', { 'class': 'table' }, content);
}

// A table with a head, or a sentence where it would be empty.
function table(titles, lines, nothing) {
	if (!lines.length)
		return E('p', {}, [E('em', {}, text(nothing))]);
	const cell = (tag, child) => E(tag, { 'class': `${tag} left` }, Array.isArray(child) ? child : text(child));
	return E('table', { 'class': 'table' }, [
		E('tr', { 'class': 'tr table-titles' }, titles.map((title) => cell('th', title))),
		...lines.map((line) => E('tr', { 'class': 'tr' }, line.map((child) => cell('td', child)))),
	]);
}

function renderHems(hems, age) {
	const { session, way } = hems;
	return section('hems', _('Registration'), rows(
		row('registered', _('Serving HeMS'),
			badge(hems.registered, hems.registered ? _('registered') : _('not registered')), hems.url),
		row('way', _('Way'), way ? `${way.source} → ${way.address}` : _('none')),
		row('calls', _('Calls us at'), hems.connection_request_url || '–'),
		row('session', _('Session'), session
			? _('in progress for %s: %s').format(duration(session.for_s + age), list(session.events))
			: _('none')),
		row('next', _('Next Inform'),
			hems.retry_in_s != null ? _('retry in %s').format(duration(hems.retry_in_s - age)) : null,
			hems.periodic_in_s != null ? _('periodic in %s').format(duration(hems.periodic_in_s - age)) : null,
			hems.retry_in_s == null && hems.periodic_in_s == null ? '–' : null),
		row('pending', _('To tell'), list(hems.pending_events),
			...Object.entries(hems.to_tell).map(([path, value]) => `${path} = ${value}`)),
	));
}

function renderTunnel(tunnel, guards, age) {
	if (tunnel === null)
		return section('tunnel', _('Tunnel'), E('p', {}, [E('em', {}, text(_('none configured')))]));
	const missing = guards.missing.length ? _('MISSING: %s').format(list(guards.missing)) : null;
	return section('tunnel', _('Tunnel'), rows(
		row('condition', _('Condition'), badge(tunnel.condition === 'up',
			_('%s for %s').format(tunnel.condition, duration(tunnel.since_s + age)))),
		row('gateway', _('Gateway'), tunnel.gateway ?? tunnel.wanted?.gateway ?? '–'),
		row('inner', _('Inner address'), list(tunnel.inner_addresses)),
		row('networks', _('Reaches'), list(tunnel.networks)),
		row('guards', _('Guarded against leaks'), list(guards.standing), missing),
	));
}

function renderS1(s1) {
	const where = s1.inside ? _('inside the tunnel') : _('outside the tunnel');
	const lines = s1.peers.map((peer) => [
		`${peer.address}:${peer.port}`,
		[badge(peer.state === 'up', peer.state)],
		peer.mme_name ?? '–',
		peer.local ?? '–',
		peer.cause ?? '',
	]);
	return section('s1', _('S1'),
		rows(
			row('s1', _('S1'), badge(s1.up, s1.up ? _('up') : _('down')), where),
			row('far-ends', _('Provisioned'), list(s1.far_ends)),
			row('stack', _('S1AP stack'), s1.stack ?? _('not connected')),
			row('transmitting', _('Transmitting'), s1.transmitting ? _('yes') : _('no')),
		),
		table([_('MME'), _('State'), _('Name'), _('From'), _('Cause')], lines, _('No far end was told to the stack.')));
}

function renderWaiting(waits, age) {
	const lines = waits.map((wait) => [
		wait.for,
		wait.in_s == null ? '' : duration(wait.in_s - age),
	]);
	return section('waiting', _('Waiting for'), table([_('What'), _('For at most')], lines, _('Nothing: all is as it should be.')));
}

function renderAlarms(alarms, age) {
	const lines = alarms.map((alarm) => [
		[badge(false, alarm.severity)],
		alarm.text,
		duration(alarm.since_s + age),
	]);
	return section('alarms', _('Alarms'), table([_('Severity'), _('What'), _('For')], lines, _('None.')));
}

function renderSessions(sessions, age) {
	const lines = sessions.map((session) => [
		_('%s ago').format(duration(session.ago_s + age)),
		duration(session.took_s),
		list(session.events),
		[badge(session.acknowledged, session.acknowledged ? _('acknowledged') : _('not acknowledged'))],
		session.failure ?? _('ended properly'),
	]);
	return section('sessions', _('Last sessions'), table([_('When'), _('Took'), _('Events'), _('Inform'), _('Result')], lines, _('None.')));
}

function renderStatus(answer) {
	const { running, now, status } = answer;
	if (!running || status === null)
		return E('div', { 'class': 'alert-message warning', 'data-section': 'absent' }, [
			E('p', {}, text(running ? _('henbd is starting.') : _('henbd is not running.'))),
		]);
	// The daemon writes when something has changed: the durations have grown since.
	const age = Math.max(0, now - Date.parse(status.at) / 1000);
	const { device, hems } = status;
	return E('div', {}, [
		E('p', { 'data-row': 'device' }, text(
			`${device.manufacturer} ${device.product_class}, ${device.oui}-${device.serial_number}, henbd ${status.version}`)),
		renderHems(hems, age),
		renderTunnel(status.tunnel, status.guards, age),
		renderS1(status.s1),
		renderAlarms(status.alarms, age),
		renderWaiting(status.waiting_for, age),
		renderSessions(hems.sessions, age),
	]);
}

function notify(title, error) {
	if (error)
		ui.addNotification(title, E('p', {}, text(error)), 'danger');
	else
		ui.addNotification(null, E('p', {}, text(_('%s: done.').format(title))), 'info');
}

return view.extend({
	load() {
		return callStatus();
	},

	render(answer) {
		const content = E('div', { 'id': 'henbd-status' }, [renderStatus(answer)]);
		const refresh = async () => content.replaceChildren(renderStatus(await callStatus()));
		const button = (name, title, call) => E('button', {
			'class': 'btn cbi-button cbi-button-action',
			'data-button': name,
			'click': ui.createHandlerFn(this, async () => {
				notify(title, await call());
				await refresh();
			}),
		}, text(title));

		poll.add(refresh, INTERVAL_S);

		return E('div', {}, [
			E('h2', {}, text(_('Home eNodeB'))),
			content,
			E('div', { 'class': 'cbi-page-actions' }, [
				button('inform', _('Inform now'), callInform),
				' ',
				button('reconnect', _('Reconnect'), callReconnect),
			]),
		]);
	},

	handleSave: null,
	handleSaveApply: null,
	handleReset: null,
});
