# Coop. Every target works on a fresh machine with Go 1.26 and nothing else.
TIME ?= 30s
SEED ?= 1
SEEDS ?= 2000
NODES ?= 5
GO ?= go

.PHONY: all build run test check vet lint sim seeds mutants fuzz bench compare demo story testnet clean

all: check build

build:                  ## the binary bin/coop
	$(GO) build -o bin/coop ./cmd/coop

run: build              ## this peer, in the foreground
	./bin/coop up --foreground

check: test

vet:                    ## with the race detector's build, which test needs anyway
	@test -z "$$(gofmt -l .)" || (gofmt -l . && echo 'run gofmt -w on these files' && false)
	$(GO) vet -race ./...

lint:                   ## golangci-lint, if it is installed
	@command -v golangci-lint >/dev/null || (echo 'golangci-lint is not installed: go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0' && false)
	golangci-lint run ./...

test: vet               ## everything that must hold, race detector on, then the simulator and the random lives without it
	$(GO) test -race -vet=off ./...
	$(GO) test -vet=off ./coop
	$(GO) test -vet=off ./testnet/sim -count=1 -seeds $(SEEDS)

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
