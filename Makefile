# Coop. Every target works on a fresh machine with Go 1.26 and nothing else.
TIME ?= 30s
SEED ?= 1
SEEDS ?= 2000
NODES ?= 5
GO ?= go

# The packages that start no goroutine, by the table in docs/house.md, which a test holds them to. The race
# detector has nothing to find there, and makes them six times slower.
MODULE := github.com/sustainy/coop
CALM = $(shell awk -F'|' '/goroutines/ { gsub("`", "", $$3); print $$3 }' docs/house.md)

.PHONY: all build run test test-raced test-calm check vet lint sim seeds mutants fuzz bench compare demo story testnet clean

all: check build

build:                  ## the binary bin/coop
	$(GO) build -o bin/coop ./cmd/coop

run: build              ## this peer, in the foreground
	./bin/coop up --foreground

check: vet test         ## what CI asks first

vet:                    ## formatting, and the compiler's second opinion, on the build that test needs anyway
	@test -z "$$(gofmt -l .)" || (gofmt -l . && echo 'run gofmt -w on these files' && false)
	$(GO) vet -race ./...

lint:                   ## golangci-lint, if it is installed
	@command -v golangci-lint >/dev/null || (echo 'golangci-lint is not installed: go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0' && false)
	golangci-lint run ./...

# What takes longest is the compiler: for tests it makes no debugging tables, and collects its garbage less often. The
# check of unsafe pointers, of which Coop has none, would make the race detector slower.
TEST = GOGC=400 $(GO) test -vet=off -gcflags='all=-dwarf=false -d=checkptr=0'

test:                   ## everything that must hold: both halves, side by side
	@$(MAKE) --no-print-directory -j2 test-raced test-calm

test-raced:             ## what runs side by side, with the race detector
	$(TEST) -race $(filter-out $(CALM:%=$(MODULE)/%),$(shell $(GO) list ./...))

test-calm:              ## what does not, and the simulator
	$(TEST) $(CALM:%=./%)
	$(TEST) ./testnet/sim -count=1 -seeds $(SEEDS)

sim:                    ## one seed of the simulator, told in full: make sim SEED=7
	$(GO) test ./testnet/sim -run 'TestSeed$$' -count=1 -v -seed $(SEED)

seeds:                  ## many seeds: make seeds SEEDS=50000
	$(GO) test ./testnet/sim -run TestSeeds -count=1 -timeout 3h -v -seeds $(SEEDS)

mutants:                ## plants each known mistake and expects its test to fail
	COOP_MUTANTS=1 $(GO) test ./testnet/sim -run TestMutants -count=1 -timeout 1h -v

fuzz:                   ## every decoder, TIME each: make fuzz TIME=10m
	./scripts/fuzz $(TIME)

bench:                  ## benchmarks, as ratios to floors measured in the same run
	./scripts/bench

demo: build             ## a city's participatory budget, voted by 1,181 keys through five peers
	./bin/coop demo

story: build            ## missions, sales and trade through five peers, every cent accounted for
	./bin/coop demo --story

testnet: build          ## N real peers on this machine: make testnet NODES=5
	./bin/coop testnet up --nodes $(NODES)

clean:
	rm -rf bin .testnet
