package finality
import ("testing";"fmt")
func TestDbg(t *testing.T){
	w := newWorld(t, swarm(10612))
	w.spread(20)
	for minute := 0; minute < 20 && !w.rested(); minute++ { w.run(w.calm + 6000); fmt.Println("t", w.now-dawn) }
	p:=w.plan
	fmt.Printf("n %d liars %d calm %d loss %d cut %v crashes %d fast %d slow %d\n", p.n,p.liars,p.calm,p.loss,p.cut,p.crashes,p.fast,p.slow)
	for i, a := range acts { if a!=nil && p.act!=nil && fmt.Sprintf("%p",a)==fmt.Sprintf("%p",p.act) { fmt.Println("act", i) } }
	for k:=0;k<20;k++ { b:=w.blocks; w.run(3000); if w.blocks!=b { fmt.Println(w.now-dawn, w.blocks-b); for _,x:=range w.peers { fmt.Println(x.self, x.e.Round(), x.e.Pending(), x.e.Waiting(), len(x.commits), x.s.issued, len(x.g.order)) } } }
}
