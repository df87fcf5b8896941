/* SPDX-License-Identifier: BSD-2-Clause */
#include "tell/evidence.h"

#include <stdio.h>
#include <string.h>

static const char *const tags[TONGUE_COUNT_] = { "pt-BR", "pt-MZ", "en" };

bool tongue_parse(const char *tag, enum tongue *ret)
{
	for (int t = 0; t < TONGUE_COUNT_; t++) {
		if (strcmp(tag, tags[t]) == 0) {
			*ret = (enum tongue)t;
			return true;
		}
	}
	return false;
}

/*
 * Places for figures: {day} {week} {hour} servers, {attempts}, {failed} percent,
 * {quarter} attempts in 15 minutes, {peers}, {names}, {hours}, {days},
 * {submissions}. Mozambique writes "correio" and "dispositivo" where Brazil
 * writes "e-mail" and "aparelho".
 */
static const char *const sentences[RULE_COUNT_][TONGUE_COUNT_] = {
	[RULE_EXCEPTION] = {
		"Há uma exceção registrada para esta linha.",
		"Existe uma excepção registada para esta linha.",
		"An exception is registered for this line.",
	},
	[RULE_RECEIVES_MAIL] = {
		"Recebeu conexões na porta 25 de {peers} endereços externos e enviou em {days} de 7 dias, com {failed} % de falhas. Com menos remetentes externos não seria um servidor.",
		"Recebeu ligações na porta 25 de {peers} endereços externos e enviou em {days} de 7 dias, com {failed} % de falhas. Com menos remetentes externos não seria um servidor.",
		"Took calls on port 25 from {peers} outside addresses and sent on {days} of 7 days, {failed} % failing. With fewer outside callers it would not be a server.",
	},
	[RULE_FAILS_AND_FANS_OUT] = {
		"Contatou {day} servidores de e-mail em 24 horas; {failed} % de {attempts} tentativas falharam. Com menos servidores ou menos falhas não valeria.",
		"Contactou {day} servidores de correio em 24 horas; {failed} % de {attempts} tentativas falharam. Com menos servidores ou menos falhas não se aplicaria.",
		"Called {day} mail servers in 24 hours; {failed} % of {attempts} attempts failed. It would not hold with fewer servers or fewer failures.",
	},
	[RULE_FANS_OUT_WIDELY] = {
		"Contatou pelo menos {day} servidores de e-mail em 24 horas, em {attempts} tentativas. Um cliente comum contata um a três.",
		"Contactou pelo menos {day} servidores de correio em 24 horas, em {attempts} tentativas. Um cliente comum contacta um a três.",
		"Called at least {day} mail servers in 24 hours, in {attempts} attempts. An ordinary customer calls one to three.",
	},
	[RULE_LOOKS_UP_EXCHANGERS] = {
		"Consultou {names} nomes de servidores MX em uma hora e contatou {hour} servidores novos. Programas de e-mail nunca precisam de MX.",
		"Consultou {names} nomes de servidores MX numa hora e contactou {hour} servidores novos. Programas de correio nunca precisam de MX.",
		"Looked up {names} names for MX in one hour and called {hour} new servers. Mail programs never need MX.",
	},
	[RULE_MANY_SERVERS] = {
		"Contatou {day} servidores de e-mail em 24 horas, em {attempts} tentativas; {failed} % falharam. Só observar.",
		"Contactou {day} servidores de correio em 24 horas, em {attempts} tentativas; {failed} % falharam. Apenas observar.",
		"Called {day} mail servers in 24 hours, in {attempts} attempts; {failed} % failed. Only to be watched.",
	},
	[RULE_MANY_CONNECTIONS] = {
		"Fez {quarter} conexões à porta 25 em 15 minutos, a {day} servidores em 24 horas. Só observar.",
		"Fez {quarter} ligações à porta 25 em 15 minutos, a {day} servidores em 24 horas. Apenas observar.",
		"Made {quarter} connections to port 25 within 15 minutes, to {day} servers in 24 hours. Only to be watched.",
	},
	[RULE_HALF_CONVICTED] = {
		"Os primeiros contatos com servidores de e-mail falham demais: {failed} % de {attempts} tentativas. Só observar.",
		"Os primeiros contactos com servidores de correio falham demasiado: {failed} % de {attempts} tentativas. Apenas observar.",
		"First contacts with mail servers fail too often: {failed} % of {attempts} attempts. Only to be watched.",
	},
	[RULE_OWN_PROVIDER] = {
		"Envia pela porta 25 a {week} servidor(es) em 7 dias, o mesmo de onde busca o e-mail ou um provedor conhecido. O bloqueio o atinge: deve passar à porta 465 ou 587.",
		"Envia pela porta 25 a {week} servidor(es) em 7 dias, o mesmo de onde recolhe o correio ou um provedor conhecido. O bloqueio afecta-o: deve passar à porta 465 ou 587.",
		"Sends by port 25 to {week} server(s) in 7 days, the one it fetches mail from or a known provider's. A block would hurt it: it must move to port 465 or 587.",
	},
	[RULE_REGULAR_DEVICE] = {
		"Contata {week} servidor(es) em 7 dias a intervalos regulares e não busca e-mail: parece um aparelho. Pararia sem aviso.",
		"Contacta {week} servidor(es) em 7 dias a intervalos regulares e não recolhe correio: parece um dispositivo. Pararia sem aviso.",
		"Calls {week} server(s) in 7 days at regular intervals and fetches no mail: it looks like a device. It would break silently.",
	},
	[RULE_MIGRATED] = {
		"Usou 465 ou 587 {submissions} vez(es) e a porta 25 não foi vista.",
		"Usou 465 ou 587 {submissions} vez(es) e a porta 25 não foi vista.",
		"Used 465 or 587 {submissions} time(s), and port 25 was not seen.",
	},
	[RULE_NOTHING_SEEN] = {
		"Nenhum uso da porta 25 foi visto; o que a cobertura deixa de ver não se sabe.",
		"Nenhum uso da porta 25 foi visto; o que a cobertura não alcança não se sabe.",
		"No use of port 25 was seen; what the coverage leaves out is not known.",
	},
	[RULE_NONE] = {
		"Usa a porta 25 ({week} servidor(es) em 7 dias, {attempts} tentativas em 24 horas) e nenhuma regra diz mais.",
		"Usa a porta 25 ({week} servidor(es) em 7 dias, {attempts} tentativas em 24 horas) e nenhuma regra diz mais.",
		"Uses port 25 ({week} server(s) in 7 days, {attempts} attempts in 24 hours), and no rule says more.",
	},
};

static unsigned figure(const struct line_figures *f, const char *name, size_t len)
{
	const struct {
		const char *name;
		unsigned value;
	} figures[] = {
		{ "day", f->servers_day },
		{ "week", f->servers_week },
		{ "hour", f->servers_hour },
		{ "attempts", f->attempts },
		{ "failed", (unsigned)(finding_failed_ratio(f) * 100 + 0.5) },
		{ "quarter", f->connections_quarter },
		{ "peers", f->inbound_peers },
		{ "names", f->exchangers },
		{ "hours", f->hours },
		{ "days", f->days },
		{ "submissions", f->submissions },
	};

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		if (strlen(figures[i].name) == len && memcmp(figures[i].name, name, len) == 0)
			return figures[i].value;
	return 0;
}

const char *evidence_text(const struct finding *f, enum tongue t, char ret[static EVIDENCE_BYTES])
{
	size_t at = 0;

	for (const char *c = sentences[f->rule][t]; *c && at < EVIDENCE_BYTES - 12; c++) {
		const char *end = *c == '{' ? strchr(c, '}') : NULL;

		if (!end) {
			ret[at++] = *c;
			continue;
		}
		at += (size_t)snprintf(ret + at, EVIDENCE_BYTES - at, "%u",
				       figure(&f->figures, c + 1, (size_t)(end - c - 1)));
		c = end;
	}
	ret[at] = '\0';
	return ret;
}
