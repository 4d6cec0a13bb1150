// Copyright the Understudy developers. MIT licence.
#pragma once

#include "CoreMinimal.h"
#include "Subsystems/WorldSubsystem.h"
#include "UnderstudySubsystem.generated.h"

class UUnderstudyBotComponent;
struct us_answer;
struct us_client;
struct us_field;
struct us_stream;

// The bots of one world: sends their ticks at the bundle's rate and hands the answers out. No frame waits for a server
// after the first one, which opens the stream.
UCLASS(Config = Game)
class UNDERSTUDYBOTS_API UUnderstudySubsystem : public UTickableWorldSubsystem
{
	GENERATED_BODY()

public:
	// Where the server listens. In DefaultGame.ini: [/Script/UnderstudyBots.UnderstudySubsystem] Address=host:port
	UPROPERTY(Config)
	FString Address = TEXT("127.0.0.1:50051");

	// Empty if the server plays just one.
	UPROPERTY(Config)
	FString Bundle;

	// After so long a bot repeats its last action.
	UPROPERTY(Config)
	int32 PatienceMs = 100;

	UPROPERTY(Config)
	int32 MaxBots = 256;

	void Add(UUnderstudyBotComponent& Component);
	void Remove(UUnderstudyBotComponent& Component);

	virtual void Tick(float Seconds) override;
	virtual TStatId GetStatId() const override;
	virtual void Deinitialize() override;

private:
	bool Open();
	void Send();
	void Take();
	void HandOut(const us_answer& Answer) const;
	float FirstNumber(const us_field& Field, const uint8* Row) const;

	us_client* Client = nullptr;
	us_stream* Stream = nullptr;
	TMap<uint32, TWeakObjectPtr<UUnderstudyBotComponent>> Bots;
	TArray<uint32> Deciding;
	TArray<uint8> Observations;
	uint32 NextBot = 1;
	float Waited = 0;
	bool bFailed = false;
	bool bInFlight = false;
};
