package daemon

import (
	"net/http"
	"strconv"

	"github.com/sustainy/coop/coop"
	"github.com/sustainy/coop/event"
	"github.com/sustainy/coop/identity"
	"github.com/sustainy/coop/table"
)

// shopRoutes are the routes about what is sold and what was bought.
func (d *Daemon) shopRoutes(on func(string, answer)) {
	on("GET /v1/coops/{coop}/shop", view(func(v *picture) any { return coop.Shop(v.State) }))
	on("GET /v1/coops/{coop}/demand", view(func(v *picture) any { return coop.Demand(v.State) }))
	on("GET /v1/coops/{coop}/shop/{item}", d.getItem)
	on("GET /v1/coops/{coop}/surplus", view(func(v *picture) any { return coop.Surplus(v.State) }))
	on("GET /v1/coops/{coop}/surplus/{number}", d.getDistribution)
	on("GET /v1/coops/{coop}/receipts", d.getReceipts)
	on("GET /v1/coops/{coop}/receipts/{receipt}", d.getReceipt)
}

// getItem finds an element, a product or a bundle by name, id or part of it.
func (d *Daemon) getItem(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	var all []named
	items := coop.Shop(v.State).Items
	for _, i := range items {
		all = append(all, named{id: i.ID.String(), name: i.Name})
	}
	i, err := pick("element, product or bundle", r.PathValue("item"), all, "coop product list")
	if err != nil {
		return nil, err
	}
	return items[i], nil
}

// getReceipts lists the purchases of a member, or of whoever has a key; without one, all.
func (d *Daemon) getReceipts(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	var key identity.PublicKey
	if text := r.URL.Query().Get("of"); text != "" {
		key, err = findMember(v, text)
		if stranger, bad := identity.ParsePublicKey(text); err != nil && bad == nil {
			key, err = stranger, nil
		}
		if err != nil {
			return nil, err
		}
	}
	return coop.Receipts(v.State, key), nil
}

// getReceipt finds a purchase by id or part of it.
func (d *Daemon) getReceipt(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	var all []named
	var ids []event.ID
	for id := range table.All(&v.State.Shop.Purchases) {
		all, ids = append(all, named{id: id.String()}), append(ids, id)
	}
	i, err := pick("purchase", r.PathValue("receipt"), all, "coop receipt list")
	if err != nil {
		return nil, err
	}
	receipt, _ := coop.Receipt(v.State, ids[i])
	return receipt, nil
}

// getDistribution answers with the statement of a distribution of the surplus.
func (d *Daemon) getDistribution(r *http.Request) (any, error) {
	v, _, err := d.picture(r)
	if err != nil {
		return nil, err
	}
	var all []named
	for number := range v.State.Surplus.Number {
		all = append(all, named{id: strconv.FormatUint(number, 10)})
	}
	i, err := pick("distribution", r.PathValue("number"), all, "coop surplus list")
	if err != nil {
		return nil, err
	}
	distribution, _ := coop.Distribution(v.State, uint64(i))
	return distribution, nil
}
