package daemon

import (
	"net/http"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/node"
	"github.com/sustainy/coop/table"
	"github.com/sustainy/coop/tokens"
)

// ledgerRoutes are the routes about money, tokens and their market.
func (d *Daemon) ledgerRoutes(on func(string, answer)) {
	on("GET /v1/coops/{coop}/ledger", view(func(v *picture) any { return coop.Ledger(v.State) }))
	on("GET /v1/coops/{coop}/tokens", view(func(v *picture) any { return coop.Tokens(v.State) }))
	on("GET /v1/coops/{coop}/tokens/{token}", d.ofToken(aboutToken))
	on("GET /v1/coops/{coop}/market/{token}", d.ofToken(aboutMarket))
	on("GET /v1/coops/{coop}/orders", view(func(v *picture) any { return openOrders(v.State) }))
	on("GET /v1/coops/{coop}/orders/{order}", d.getOrder)
}

// ofToken answers with what show makes of the token that the request names.
func (d *Daemon) ofToken(show func(*coop.State, tokens.Asset) any) func(*http.Request) (any, error) {
	return func(r *http.Request) (any, error) {
		v, _, err := d.picture(r)
		if err != nil {
			return nil, err
		}
		asset, err := findToken(v.State, r.PathValue("token"))
		if err != nil {
			return nil, err
		}
		return show(v.State, asset), nil
	}
}

func aboutToken(s *coop.State, asset tokens.Asset) any {
	t, _ := coop.Token(s, asset)
	return t
}

func aboutMarket(s *coop.State, asset tokens.Asset) any {
	b, _ := coop.Book(s, asset)
	return b
}

// getOrder finds an open order or waiting transfer by id or part of it.
func (d *Daemon) getOrder(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	open := openOrders(v.State)
	all := make([]named, len(open))
	for i, o := range open {
		all[i] = named{id: o.ID.String()}
	}
	i, err := pick("open order or waiting transfer", r.PathValue("order"), all, "coop market book TOKEN")
	if err != nil {
		return nil, err
	}
	return open[i], nil
}

// openOrders are the orders and waiting transfers of all tokens.
func openOrders(s *coop.State) []coop.OrderView {
	open := []coop.OrderView{}
	for asset := range table.All(&s.Ledger.Tokens) {
		b, _ := coop.Book(s, asset)
		open = append(append(open, b.Orders...), b.Waiting...)
	}
	return open
}

// findToken finds a token by name, id or part of it.
func findToken(s *coop.State, text string) (tokens.Asset, error) {
	var all []named
	var assets []tokens.Asset
	for asset, t := range table.All(&s.Ledger.Tokens) {
		all, assets = append(all, named{id: asset.String(), name: t.Name}), append(assets, asset)
	}
	i, err := pick("token", text, all, "coop token list")
	if err != nil {
		return tokens.Asset{}, err
	}
	return assets[i], nil
}

// FindMember finds a member of a state by did:key, part of it, or name, or by the key of a device.
func FindMember(s *coop.State, text string) (identity.PublicKey, error) {
	return findMember(&picture{View: &node.View{State: s}}, text)
}
